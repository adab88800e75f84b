package verify_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/source/verify"
)

// Each of these is signed well, over what it says that it covers.
func TestHTTPSignatureCovers(t *testing.T) {
	t.Parallel()
	verifier, err := verify.New(signatureConfig(), verify.Deps{})
	require.NoError(t, err)
	digest := messageSigned(t, signatureConfig(), nil).Header.Get("Content-Digest")
	line := `"content-digest": ` + digest + "\n"
	for _, test := range []struct {
		covered, lines string
		valid          bool
	}{
		{`("content-digest")`, line, true},
		{`("@method")`, `"@method": POST` + "\n", false},
		{`()`, "", false},
		{`("content-digest" "content-digest")`, line + line, false},
	} {
		input := fmt.Sprintf("%s;created=%d", test.covered, tokenNow.Unix())
		req := messageSigned(t, signatureConfig(), nil)
		mac := hmacSHA256([]byte("shared secret of both"), test.lines+`"@signature-params": `+input)
		req.Header.Set("Signature-Input", "sig1="+input)
		req.Header.Set("Signature", "sig1=:"+mac+":")
		requireVerdict(t, test.valid, verifier, req)
	}
}

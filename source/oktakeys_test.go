package source

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// encoding/json takes "ID" for "id": which of two names the person would be a guess.
func TestOktaKeysAreFolded(t *testing.T) {
	t.Parallel()
	decoder := NewOktaEventHook("acme")
	for _, key := range []string{"data", "events", "uuid", "eventType", "actor", "target", "id", "type", "outcome", "result", "securityContext", "risk", "level"} {
		body := []byte(`{"data":{"events":[{"` + key + `":1,"` + strings.ToUpper(key) + `":2}]}}`)
		_, err := decoder.Decode(revocation.NewDelivery("okta", "application/json", body, time.Unix(1_800_000_000, 0)))
		require.ErrorContains(t, err, "given twice", key)
	}
}

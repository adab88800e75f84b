package verify_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/verify"
)

// signedRequest is a request as the config's sender signs it.
func signedRequest(t *testing.T, config verify.Config, body string) source.Request {
	t.Helper()
	req := outgoing(body)
	_, err := verify.Sign(config, nil, req, []byte(body), signedNow)
	require.NoError(t, err)
	return incoming(req, body)
}

func newVerifier(t *testing.T, config verify.Config) source.Verifier { //nolint:ireturn // as New gives it
	t.Helper()
	verifier, err := verify.New(config, verify.Deps{})
	require.NoError(t, err)
	return verifier
}

// requireSignedVerdict asks with the body, and early if refusing needs none.
func requireSignedVerdict(t *testing.T, verifier source.Verifier, req source.Request, want error, early bool) source.Verified {
	t.Helper()
	verified, err := verifier.Verify(t.Context(), req)
	require.ErrorIs(t, err, want)
	if want != nil {
		require.Zero(t, verified)
	}
	req.Body = nil
	if want == nil || !early {
		require.NoError(t, verifier.Early(req))
		return verified
	}
	require.ErrorIs(t, verifier.Early(req), want)
	return verified
}

func TestSignedSeveralSecrets(t *testing.T) {
	t.Parallel()
	config := hmacConfig("X-Signature", "")
	config.Secrets = secrets("new", "old")
	verifier := newVerifier(t, config)
	for _, secret := range []string{"new", "old"} {
		sender := hmacConfig("X-Signature", "")
		sender.Secrets = secrets(secret)
		requireSignedVerdict(t, verifier, signedRequest(t, sender, signedBody), nil, false)
	}
	requireSignedVerdict(t, verifier, signedRequest(t, hmacConfig("X-Signature", ""), signedBody), verify.ErrMismatch, false)
	requireSignedVerdict(t, verifier, signedRequest(t, config, ""), nil, false)
}

// Anything that could stand for no signature at all is refused.
func TestSignedEmptySignatures(t *testing.T) {
	t.Parallel()
	for _, config := range []verify.Config{
		hmacConfig("X-Signature", ""),
		with(hmacConfig("X-Signature", ""), func(c *verify.Config) { c.Encoding = "base64" }),
		with(hmacConfig("X-Signature", ""), func(c *verify.Config) { c.Prefix = "sha256=" }),
		with(hmacConfig("X-Signature", ""), func(c *verify.Config) { c.List = paired(",", "=", "v1") }),
	} {
		verifier := newVerifier(t, config)
		req := incoming(outgoing(signedBody), signedBody)
		for _, value := range []string{"", " ", "=", "sha256=", "sha256", "v1=", "v1=,v1=", ",", "v1", "00", "undefined"} {
			req.Header.Set("X-Signature", value)
			_, err := verifier.Verify(t.Context(), req)
			require.Error(t, err, "%q", value)
		}
	}
}

func TestSignedHexInAnyCase(t *testing.T) {
	t.Parallel()
	config := hmacConfig("X-Signature", "")
	req := signedRequest(t, config, signedBody)
	req.Header.Set("X-Signature", strings.ToUpper(req.Header.Get("X-Signature")))
	requireSignedVerdict(t, newVerifier(t, config), req, nil, false)
}

func TestSignedListTriesEveryCandidate(t *testing.T) {
	t.Parallel()
	config := with(hmacConfig("X-Signature", "{timestamp}.{body}"), func(c *verify.Config) {
		c.List, c.Timestamp = paired(",", "=", "v1"), &verify.Timestamp{Field: "t", Tolerance: time.Minute}
	})
	verifier := newVerifier(t, config)
	req := signedRequest(t, config, signedBody)
	good := req.Header.Get("X-Signature")
	for value, want := range map[string]error{
		"v1=00,v1=zz,v1=," + good + ",v1=11":                nil,
		strings.Repeat("v1=00,", 15) + good:                 nil,
		strings.Repeat("v1=00,", 16) + good:                 verify.ErrMalformed,
		good + ",t=1":                                       verify.ErrMalformed,
		strings.Replace(good, "t="+unix, "t=Infinity", 1):   verify.ErrMalformed,
		strings.Replace(good, "t="+unix, "t=1772600768", 1): verify.ErrMismatch,
		strings.Replace(good, "v1=", "v2=", 1):              verify.ErrMalformed,
	} {
		req.Header.Set("X-Signature", value)
		requireSignedVerdict(t, verifier, req, want, !errors.Is(want, verify.ErrMismatch))
	}
	parts := strings.SplitN(good, ",", 2)
	req.Header["X-Signature"] = parts
	requireSignedVerdict(t, verifier, req, nil, false)
}

func TestSignedLabels(t *testing.T) {
	t.Parallel()
	config := with(hmacConfig("X-Signature", ""), func(c *verify.Config) {
		c.Secrets = secrets("one", "two")
		c.Labels = &verify.Labels{Header: "X-Label", Names: []string{"first", "second"}}
	})
	verifier := newVerifier(t, config)
	req := signedRequest(t, config, signedBody)
	require.Equal(t, "first", req.Header.Get("X-Label"))
	requireSignedVerdict(t, verifier, req, nil, false)
	req.Header.Set("X-Label", "second") // another's secret
	requireSignedVerdict(t, verifier, req, verify.ErrMismatch, false)
	for _, lines := range [][]string{{"third"}, {""}, {"First"}, {"first", "first"}} {
		req.Header["X-Label"] = lines
		requireSignedVerdict(t, verifier, req, verify.ErrMismatch, true)
	}
	req.Header.Del("X-Label")
	requireSignedVerdict(t, verifier, req, nil, false)
}

func TestSignedID(t *testing.T) {
	t.Parallel()
	signed := with(hmacConfig("X-Signature", "{id}.{body}"), func(c *verify.Config) { c.ID = &verify.Place{Header: "X-Id"} })
	apart := with(signed, func(c *verify.Config) { c.Signed = "{id}:{body}" })
	beside := with(signed, func(c *verify.Config) { c.Signed = "{body}" })
	for _, tt := range []struct {
		config verify.Config
		id     string
		want   error
	}{
		{signed, "msg_1", nil},
		{signed, "msg.1", verify.ErrMalformed},
		{apart, "msg.1", nil},
		{beside, "msg.1", nil},
		{signed, strings.Repeat("i", 256), nil},
		{signed, strings.Repeat("i", 257), verify.ErrMalformed},
		{beside, strings.Repeat("i", 257), verify.ErrMalformed},
		{beside, "é", verify.ErrMalformed},
		{beside, "a\x7f", verify.ErrMalformed},
		{beside, "a b", nil},
	} {
		sender := tt.config
		sender.ID = nil
		sender.Signed = strings.ReplaceAll(sender.Signed, "{id}", tt.id)
		req := signedRequest(t, sender, signedBody)
		req.Header.Set("X-Id", tt.id)
		verified := requireSignedVerdict(t, newVerifier(t, tt.config), req, tt.want, true)
		if tt.want == nil {
			require.Equal(t, tt.id, verified.ID)
		}
	}
	req := signedRequest(t, signed, signedBody)
	require.Len(t, req.Header.Get("X-Id"), 26, "a random one")
	req.Header.Del("X-Id")
	requireSignedVerdict(t, newVerifier(t, signed), req, verify.ErrMissing, true)
	req = signedRequest(t, beside, signedBody)
	req.Header.Del("X-Id")
	require.Empty(t, requireSignedVerdict(t, newVerifier(t, beside), req, nil, true).ID)
}

func TestSignedPlacesInTheBody(t *testing.T) {
	t.Parallel()
	config := with(hmacConfig("X-Signature", "{id}.{timestamp}.{body}"), func(c *verify.Config) {
		c.ID = &verify.Place{Body: "id"}
		c.Timestamp = &verify.Timestamp{Body: "data.sent_at", Unit: "ms", Tolerance: time.Minute}
	})
	verifier := newVerifier(t, config)
	body := `{"id":7,"data":{"sent_at":` + unixMilli + `}}`
	req := signedRequest(t, config, body)
	require.Equal(t, "7", requireSignedVerdict(t, verifier, req, nil, false).ID)
	req.Now = signedNow.Add(time.Minute + 1)
	requireSignedVerdict(t, verifier, req, verify.ErrStale, false)

	for body, want := range map[string]error{
		`{"id":7,"data":{}}`:                                   verify.ErrMissing,
		`{"data":{"sent_at":` + unixMilli + `}}`:               verify.ErrMissing,
		`{"id":"","data":{"sent_at":` + unixMilli + `}}`:       verify.ErrMissing,
		`{"id":"a.b","data":{"sent_at":` + unixMilli + `}}`:    verify.ErrMalformed,
		`{"id":7,"data":{"sent_at":1772600767e3}}`:             verify.ErrMalformed,
		`{"id":7,"id":7,"data":{"sent_at":` + unixMilli + `}}`: verify.ErrMalformed,
		`{"id":7,"data":{"sent_at":["` + unixMilli + `"]}}`:    verify.ErrMalformed,
		`not json`: verify.ErrMalformed,
		`{"id":8,"data":{"sent_at":"` + unixMilli + `"}}    `: verify.ErrMismatch,
	} {
		req := signedRequest(t, config, `{"id":7,"data":{"sent_at":`+unixMilli+`}}`)
		req.Body = []byte(body)
		_, err := verifier.Verify(t.Context(), req)
		require.ErrorIs(t, err, want, body)
	}
}

// An id that the body happens not to have is no reason to lose a genuine delivery; a
// body that is not genuine is not read at all.
func TestSignedIDOnlyInTheBody(t *testing.T) {
	t.Parallel()
	config := with(hmacConfig("X-Signature", ""), func(c *verify.Config) { c.ID = &verify.Place{Body: "event.id"} })
	verifier := newVerifier(t, config)
	for body, want := range map[string]string{
		`{"event":{"id":"e1"}}`: "e1", `{"event":null}`: "", `{}`: "", `Ping test`: "", ``: "",
	} {
		require.Equal(t, want, requireSignedVerdict(t, verifier, signedRequest(t, config, body), nil, false).ID, body)
	}
	long := `{"event":{"id":"` + strings.Repeat("i", 257) + `"}}`
	requireSignedVerdict(t, verifier, signedRequest(t, config, long), verify.ErrMalformed, false)

	config.Timestamp = &verify.Timestamp{Body: "at", Tolerance: time.Minute}
	verifier = newVerifier(t, config)
	for body, want := range map[string]error{
		`{"at":` + unix + `}`: nil, `{"at":1}`: verify.ErrStale, `{}`: verify.ErrMissing, `Ping test`: verify.ErrMalformed,
	} {
		requireSignedVerdict(t, verifier, signedRequest(t, config, body), want, false)
	}
	req := signedRequest(t, config, `{}`)
	req.Body = []byte(`Ping test`)
	requireSignedVerdict(t, verifier, req, verify.ErrMismatch, false)
}

// A layout may write a dot, behind which {timestamp}. would not know where it ends.
func TestSignedTimestampWithADot(t *testing.T) {
	t.Parallel()
	config := with(hmacConfig("X-Signature", "{timestamp}.{body}"), func(c *verify.Config) {
		c.Timestamp = stamped("X-Time", "layout")
		c.Timestamp.Layout = "2006-01-02T15:04:05"
	})
	requireSignedVerdict(t, newVerifier(t, config), signedRequest(t, config, signedBody), nil, false)
	config.Timestamp.Layout = "2006-01-02T15:04:05.000"
	sender := with(config, func(c *verify.Config) { c.Signed = inISO[:19] + ".000.{body}"; c.Insecure = true })
	requireSignedVerdict(t, newVerifier(t, config), signedRequest(t, sender, signedBody), verify.ErrMalformed, true)
	iso := with(config, func(c *verify.Config) { c.Timestamp = stamped("X-Time", "rfc3339") })
	req := signedRequest(t, with(iso, func(c *verify.Config) { c.Signed = "2026-03-04T05:06:07.5Z.{body}"; c.Insecure = true }), signedBody)
	req.Header.Set("X-Time", "2026-03-04T05:06:07.5Z")
	requireSignedVerdict(t, newVerifier(t, iso), req, nil, false)
}

func TestSignedHeadersThatAreSigned(t *testing.T) {
	t.Parallel()
	config := hmacConfig("X-Signature", "{header:X-Kind}{body}")
	verifier := newVerifier(t, config)
	out := outgoing(signedBody)
	out.Header.Set("X-Kind", "alert")
	_, err := verify.Sign(config, nil, out, []byte(signedBody), signedNow)
	require.NoError(t, err)
	req := incoming(out, signedBody)
	requireSignedVerdict(t, verifier, req, nil, false)
	req.Header["X-Kind"] = []string{"alert", "alert"}
	requireSignedVerdict(t, verifier, req, verify.ErrMalformed, true)
	req.Header.Del("X-Kind")
	requireSignedVerdict(t, verifier, req, verify.ErrMissing, true)
}

// Secrets and what was sent never stand in an error.
func TestSignedErrorsTellNothing(t *testing.T) {
	t.Parallel()
	config := signedSenders()["Standard Webhooks"].config
	verifier := newVerifier(t, config)
	for _, header := range []string{"webhook-signature", "webhook-timestamp", "webhook-id"} {
		req := signedRequest(t, config, signedBody)
		req.Header.Set(header, "SENTINEL.x")
		_, err := verifier.Verify(t.Context(), req)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "SENTINEL")
	}
	for _, encoding := range []string{"hex", "base64"} {
		config := with(hmacConfig("X-Signature", ""), func(c *verify.Config) {
			c.SecretEncoding, c.Secrets = encoding, secrets("SENTINEL*")
		})
		_, err := verify.New(config, verify.Deps{})
		require.ErrorContains(t, err, "secrets[0]")
		require.NotContains(t, err.Error(), "SENTINEL")
	}
}

func TestSignedByManyAtOnce(t *testing.T) {
	t.Parallel()
	config := signedSenders()["Standard Webhooks"].config
	verifier := newVerifier(t, config)
	var all sync.WaitGroup
	for i := range 8 {
		body := strings.Repeat("x", 100*i)
		req := signedRequest(t, config, body)
		all.Go(func() {
			for range 50 {
				_, err := verifier.Verify(t.Context(), req)
				if err != nil {
					t.Error(err)
				}
				wrong := req
				wrong.Body = []byte(body + "y")
				if _, err := verifier.Verify(t.Context(), wrong); err == nil {
					t.Error("accepted another body")
				}
			}
		})
	}
	all.Wait()
}

func TestSignNeedsASecret(t *testing.T) {
	t.Parallel()
	config := hmacConfig("X-Signature", "")
	config.Secrets = nil
	_, err := verify.Sign(config, nil, outgoing(signedBody), []byte(signedBody), signedNow)
	require.ErrorContains(t, err, "secrets")
	config = verify.Config{Type: "ed25519", Header: http.CanonicalHeaderKey("x-signature")}
	_, err = verify.Sign(config, nil, outgoing(signedBody), []byte(signedBody), signedNow)
	require.ErrorContains(t, err, "no private key")
}

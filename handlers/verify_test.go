package handlers_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
	"sever/source"
)

func TestABodyIsVerifiedBeforeItIsStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	wrong := delivery(oktaHook, jsonBody, with("X-Sign", "1"))
	require.Empty(t, requireProblem(t, b.serve(wrong), http.StatusUnauthorized).Detail, "a stranger learns nothing")
	require.Empty(t, b.log.stored())
	require.Equal(t, handlers.ReasonUnauthenticated, b.events.all()[0].Reason)

	right := delivery(oktaHook, jsonBody, with("X-Sign", strconv.Itoa(len(jsonBody))))
	require.Equal(t, http.StatusNoContent, b.serve(right).StatusCode)
	require.Len(t, b.log.stored(), 1)
}

func TestOurOwnTroubleIsNoRefusal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resp := b.serve(delivery(oktaHook, jsonBody, with("Authorization", "no keys")))
	requireProblem(t, resp, http.StatusServiceUnavailable)
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	require.Equal(t, handlers.ReasonUnverifiable, b.events.all()[0].Reason)
}

func TestASecretInTheBodyIsNotStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := `{"secureKey":"` + bodySecret + `","a":1}`
	require.Equal(t, http.StatusNoContent, b.serve(delivery(oktaHook, body)).StatusCode)
	require.JSONEq(t, `{"secureKey":"","a":1}`, string(b.log.stored()[0].Body))
}

func TestWhatCameBesideTheBodyTellsDeliveriesApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	handler, err := handlers.NewReceiver(b.log, []source.Source{{
		Name: "events", Verifier: headerVerifier{}, Accepted: http.StatusAccepted, Keep: []string{"Ce-Id", "Ce-Type"},
	}}, b.config)
	require.NoError(t, err)
	for _, adjust := range [][]func(*http.Request){
		{},
		{with("X-Id", "1")},
		{with("X-Id", "2")},
		{with("X-Id", "2")},
		{with("ce-id", "a")},
		{with("ce-id", "a"), with("ce-type", "b")},
		{with("ce-id", "a"), with("ce-other", "b")},
		{with("Ce-Id", strings.Repeat("x", 5000))},
	} {
		require.Equal(t, http.StatusAccepted, serve(handler, delivery("/v1/hooks/events", jsonBody, adjust...)).StatusCode)
	}
	stored := b.log.stored()
	require.Nil(t, stored[0].Headers)
	require.Equal(t, "1", stored[1].SenderID)
	require.Equal(t, stored[2].ID, stored[3].ID, "a resend")
	require.Equal(t, map[string]string{"Ce-Id": "a", "Ce-Type": "b"}, stored[5].Headers)
	require.Equal(t, stored[4].ID, stored[6].ID, "only what is kept counts")
	require.Equal(t, stored[0].ID, stored[7].ID, "too long to keep")
	distinct := map[string]bool{}
	for _, delivery := range stored {
		distinct[delivery.ID] = true
	}
	require.Len(t, distinct, 5)
}

func TestSourcesTakeTheirOwnMediaTypes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		media    []string
		given    string
		accepted bool
	}{
		"json by default":        {nil, "application/json", true},
		"any json by default":    {nil, "application/cloudevents+json", true},
		"no text by default":     {nil, "text/plain", false},
		"text where it is said":  {[]string{"application/json", "text/plain"}, "text/plain; charset=UTF-8", true},
		"json beside it":         {[]string{"application/*+json", "text/plain"}, "application/x+json", true},
		"form only":              {[]string{"application/x-www-form-urlencoded"}, "application/x-www-form-urlencoded", true},
		"no json for a form":     {[]string{"application/x-www-form-urlencoded"}, "application/json", false},
		"a set":                  {[]string{"application/secevent+jwt"}, "Application/SecEvent+JWT", true},
		"nothing":                {[]string{"text/plain"}, "", false},
		"another text, in a set": {[]string{"text/plain"}, "text/html", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			handler, err := handlers.NewReceiver(b.log, []source.Source{{
				Name: "s", Verifier: headerVerifier{}, Accepted: http.StatusAccepted, Media: tt.media,
				Readable: func(body []byte) bool { return string(body) == "readable" },
			}}, b.config)
			require.NoError(t, err)
			resp := serve(handler, delivery("/v1/hooks/s", "readable", with("Content-Type", tt.given)))
			if !tt.accepted {
				requireProblem(t, resp, http.StatusUnsupportedMediaType)
				return
			}
			require.Equal(t, http.StatusAccepted, resp.StatusCode)
			resp = serve(handler, delivery("/v1/hooks/s", "not", with("Content-Type", tt.given)))
			require.Contains(t, requireProblem(t, resp, http.StatusBadRequest).Detail, "kept as a dead letter")
			require.Len(t, b.log.stored(), 2, "both are")
		})
	}
}

func TestASecretInThePath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	handler, err := handlers.NewReceiver(b.log, []source.Source{{
		Name: "splunk", Verifier: headerVerifier{}, Accepted: http.StatusAccepted, PathSecret: true,
	}}, b.config)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, serve(handler, delivery("/v1/hooks/splunk/"+bodySecret, jsonBody)).StatusCode)
	requireProblem(t, serve(handler, delivery("/v1/hooks/splunk/a/b", jsonBody)), http.StatusNotFound)
	resp := serve(handler, delivery("/v1/hooks/splunk/"+bodySecret, jsonBody, without("Authorization")))
	requireProblem(t, resp, http.StatusUnauthorized)
	require.NotContains(t, b.logs.String(), bodySecret)
	require.NotContains(t, bodyOf(t, serve(handler, delivery("/v1/hooks/other/"+bodySecret, jsonBody))), bodySecret)
}

// setVerifier refuses as a verifier of tokens does.
type setVerifier struct{ err error }

func (v setVerifier) Early(source.Request) error { return nil }

func (v setVerifier) Verify(context.Context, source.Request) (source.Verified, error) {
	return source.Verified{}, v.err
}

func TestTransmittersAreToldInTheirOwnWords(t *testing.T) {
	t.Parallel()
	const media = "application/secevent+jwt"
	for name, tt := range map[string]struct {
		err    error
		adjust func(*http.Request)
		status int
		answer string
	}{
		"key":      {&source.SETError{Code: "invalid_key", Description: "the key is not known"}, with("Content-Type", media), 400, `{"err":"invalid_key","description":"the key is not known"}`},
		"other":    {errors.New("secret reason"), with("Content-Type", media), 401, `{"err":"authentication_failed","description":"the request is not authenticated"}`},
		"media":    {nil, with("Content-Type", "text/html"), 415, `{"err":"invalid_request","description":"send the body as application/secevent+jwt"}`},
		"own":      {source.ErrUnavailable, with("Content-Type", media), 503, ""},
		"accepted": {nil, with("Content-Type", media), 202, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			handler, err := handlers.NewReceiver(b.log, []source.Source{{
				Name: "ssf", Verifier: setVerifier{tt.err}, Accepted: http.StatusAccepted, SETErrors: true,
				Media: []string{media}, Readable: func([]byte) bool { return true },
			}}, b.config)
			require.NoError(t, err)
			resp := serve(handler, delivery("/v1/hooks/ssf", "a.b.c", tt.adjust))
			require.Equal(t, tt.status, resp.StatusCode)
			switch tt.status {
			case 202:
				require.Empty(t, bodyOf(t, resp))
			case 503:
				requireProblem(t, resp, 503)
			default:
				require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
				require.Equal(t, "en", resp.Header.Get("Content-Language"))
				require.JSONEq(t, tt.answer, bodyOf(t, resp))
			}
		})
	}
}

// seenVerifier remembers what it was shown.
type seenVerifier struct{ seen *source.Request }

func (v seenVerifier) Early(req source.Request) error {
	*v.seen = req
	return errors.New("no")
}

func (v seenVerifier) Verify(context.Context, source.Request) (source.Verified, error) {
	return source.Verified{}, nil
}

func TestOnlyOurProxiesSpeakForASender(t *testing.T) {
	t.Parallel()
	client := selfSigned(t)
	escaped := strings.ReplaceAll(url.QueryEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client}))), "+", "%20")
	proxies := handlers.Proxies{
		Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, CertificateHeader: "X-Client-Cert",
	}
	for name, tt := range map[string]struct {
		from, forwarded, proto, cert string
		want                         string
		tls, certified               bool
	}{
		"a stranger":                    {from: "192.0.2.1:1", want: "192.0.2.1"},
		"a stranger who claims":         {from: "192.0.2.1:1", forwarded: "203.0.113.5", proto: "https", cert: escaped, want: "192.0.2.1"},
		"through a proxy":               {from: "10.0.0.1:1", forwarded: "203.0.113.5", proto: "https", cert: escaped, want: "203.0.113.5", tls: true, certified: true},
		"through two":                   {from: "10.0.0.1:1", forwarded: "203.0.113.5, 10.9.9.9", want: "203.0.113.5"},
		"what the sender claims":        {from: "10.0.0.1:1", forwarded: "198.51.100.1, 203.0.113.5", want: "203.0.113.5"},
		"nobody named":                  {from: "10.0.0.1:1", want: "10.0.0.1"},
		"only proxies named":            {from: "10.0.0.1:1", forwarded: "10.2.0.1", want: "10.2.0.1"},
		"nonsense":                      {from: "10.0.0.1:1", forwarded: "203.0.113.5, unknown", want: "10.0.0.1"},
		"mapped":                        {from: "[::ffff:10.0.0.1]:1", forwarded: "::ffff:203.0.113.5", want: "203.0.113.5"},
		"IPv6":                          {from: "[fd00::1]:1", forwarded: "2001:db8::5", want: "2001:db8::5"},
		"a certificate that is nothing": {from: "10.0.0.1:1", forwarded: "203.0.113.5", cert: "%zz", want: "203.0.113.5"},
		"an address that is nothing":    {from: "nowhere", want: "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var seen source.Request
			b.config.Proxies = proxies
			handler, err := handlers.NewReceiver(b.log, []source.Source{{Name: "s", Verifier: seenVerifier{&seen}, Accepted: 202}}, b.config)
			require.NoError(t, err)
			req := delivery("/v1/hooks/s?a=b", jsonBody, with("X-Forwarded-For", tt.forwarded), with("X-Forwarded-Proto", tt.proto), with("X-Client-Cert", tt.cert))
			req.RemoteAddr = tt.from
			serve(handler, req)
			require.Equal(t, tt.want, seen.Remote.String())
			require.Equal(t, tt.tls, seen.TLS)
			require.Equal(t, tt.certified, len(seen.Certificates) == 1)
			require.Equal(t, "a=b", seen.URL.RawQuery)
			require.Nil(t, seen.Body, "not read for a stranger")
		})
	}
}

func selfSigned(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sender"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return der
}

// staleVerifier finds everything genuine but for its time.
type staleVerifier struct{ headerVerifier }

func (v staleVerifier) Verify(ctx context.Context, req source.Request) (source.Verified, error) {
	verified, err := v.headerVerifier.Verify(ctx, req)
	if err != nil {
		return source.Verified{}, err
	}
	return source.Verified{}, &source.StaleError{Verified: verified, Cause: errors.New("it is from yesterday")}
}

// letterBox keeps each letter once.
type letterBox struct {
	letters map[string]revocation.DeadLetter
	err     error
}

func (b *letterBox) PutOnce(_ context.Context, letter revocation.DeadLetter) (fresh bool, err error) {
	if _, known := b.letters[letter.ID]; known || b.err != nil {
		return false, b.err
	}
	delivery := *letter.Delivery
	delivery.Body = bytes.Clone(delivery.Body)
	letter.Delivery = &delivery
	b.letters[letter.ID] = letter
	return true, nil
}

// What is genuine but for its time is put aside once, without the sender's secret; it is neither accepted nor lost.
func TestWhatIsOnlyOfAnotherTimeIsPutAside(t *testing.T) {
	t.Parallel()
	b, box := setup(t), &letterBox{letters: make(map[string]revocation.DeadLetter)}
	stale := []source.Source{{
		Name: "edr", Org: "acme", Verifier: staleVerifier{}, Accepted: http.StatusAccepted, Keep: []string{"Ce-Id"},
		Handshakes: []source.Handshake{echoHandshake{}},
	}}
	handler := func() http.Handler {
		handler, err := handlers.NewReceiver(b.log, stale, b.config)
		require.NoError(t, err)
		return handler
	}
	body := `{"key":"` + bodySecret + `","a":1}`
	alert := func(adjust ...func(*http.Request)) *http.Request {
		return delivery("/v1/hooks/edr", body, append(adjust, with("X-Id", "7"), with("Ce-Id", "c"))...)
	}
	requireProblem(t, serve(handler(), alert()), http.StatusUnauthorized) // nowhere to put it

	b.config.Letters = box
	for range 3 {
		resp := serve(handler(), alert())
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		require.Contains(t, requireProblem(t, resp, http.StatusServiceUnavailable).Detail, "kept as a dead letter")
	}
	requireProblem(t, serve(handler(), alert(with("X-Sign", "1"))), http.StatusUnauthorized)
	require.Empty(t, b.log.stored())
	require.Len(t, box.letters, 1)
	for _, letter := range box.letters {
		require.Equal(t, []string{"edr", "acme"}, []string{letter.Source, letter.Org})
		require.JSONEq(t, `{"key":"","a":1}`, string(letter.Delivery.Body))
		require.Equal(t, "7", letter.Delivery.SenderID)
		require.Equal(t, map[string]string{"Ce-Id": "c"}, letter.Delivery.Headers)
	}
	told := map[revocation.Step][]string{}
	for _, event := range b.events.all() {
		told[event.Step] = append(told[event.Step], event.Reason)
	}
	require.Len(t, told[revocation.StepDeadLetter], 1, "told of once")
	require.Equal(t, []string{"unauthenticated", "stale", "stale", "stale", "unauthenticated"}, told[revocation.StepRefused])

	box.err = errors.New("the dead letters are full")
	requireProblem(t, serve(handler(), alert()), http.StatusServiceUnavailable)
	all := b.events.all()
	require.Equal(t, handlers.ReasonNotStored, all[len(all)-1].Reason)
	for name, wrong := range map[string]*http.Request{
		"another type": alert(with("Content-Type", "text/html")),
		"empty":        delivery("/v1/hooks/edr", ""),
	} {
		require.Less(t, serve(handler(), wrong).StatusCode, http.StatusInternalServerError, name)
	}
}

package verify_test

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/stretchr/testify/require"

	"sever/source"
	"sever/source/verify"
)

// issuer answers for an issuer's JWKS, as an http.RoundTripper.
type issuer struct {
	mu      sync.Mutex
	body    string
	status  int
	err     error
	hang    bool
	fetches int
}

func (i *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.fetches++
	body, status, err, hang := i.body, i.status, i.err, i.hang
	i.mu.Unlock()
	if hang {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: req,
		Header: http.Header{"Location": {"https://evil.example.com/keys"}},
	}, nil
}

func (i *issuer) answers(status int, body string, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body, i.err, i.hang = status, body, err, false
}

func (i *issuer) hangs() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.hang = true
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

func jwk(t *testing.T, key crypto.PublicKey, kid string, change map[string]any) string {
	t.Helper()
	options := jwkset.JWKOptions{}
	options.Metadata.KID = kid
	made, err := jwkset.NewJWKFromKey(key, options)
	require.NoError(t, err)
	text, err := json.Marshal(made.Marshal())
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(text, &members))
	maps.Copy(members, change)
	text, err = json.Marshal(members)
	require.NoError(t, err)
	return string(text)
}

func keySet(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// remote runs a verifier with an issuer's keys, in a bubble of synctest, where it is ready
// for the first request.
func remote(t *testing.T, answers *issuer) source.Verifier { //nolint:ireturn // as New
	t.Helper()
	config := pushConfig(t)
	config.PublicKeys, config.JWT.JWKS = nil, "https://issuer.example.com/keys"
	config.JWT.Algorithms, config.JWT.Timeless = []string{"RS256", "ES256", "EdDSA"}, true
	verifier, err := verify.New(config, verify.Deps{HTTP: &http.Client{Transport: answers}})
	require.NoError(t, err)
	runner, ok := verifier.(interface {
		Run(ctx context.Context) error
	})
	require.True(t, ok)
	ctx, cancel := context.WithCancel(t.Context())
	var owner sync.WaitGroup
	owner.Go(func() { _ = runner.Run(ctx) })
	t.Cleanup(func() { cancel(); owner.Wait() })
	synctest.Wait()
	return verifier
}

// pass lets time pass in a bubble of synctest.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // it is the bubble's time

func withKid(t *testing.T, kid string) source.Request {
	t.Helper()
	return tokenRequest(signedToken(t, "RS256", rsaKey(), pushClaims(), map[string]any{"kid": kid}))
}

func verdict(t *testing.T, verifier source.Verifier, req source.Request) error {
	t.Helper()
	_, err := verifier.Verify(t.Context(), req)
	return err
}

func TestJWKSRotation(t *testing.T) {
	t.Parallel()
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	oldToken := tokenRequest(signedToken(t, "RS256", old, pushClaims(), map[string]any{"kid": "old"}))
	newToken := withKid(t, "new")
	synctest.Test(t, func(t *testing.T) {
		answers := &issuer{}
		answers.answers(http.StatusOK, keySet(jwk(t, old.Public(), "old", nil)), nil)
		verifier := remote(t, answers)
		require.NoError(t, verdict(t, verifier, oldToken))
		require.NoError(t, verifier.Early(oldToken))
		require.NoError(t, verifier.Early(newToken), "the key may be new: Verify decides")

		// The issuer has a new key, and the old one is withdrawn with it.
		answers.answers(http.StatusOK, keySet(jwk(t, rsaKey().Public(), "new", nil)), nil)
		require.Error(t, verdict(t, verifier, newToken), "fetched just now")
		pass(31 * time.Second)
		require.NoError(t, verdict(t, verifier, newToken))
		require.Error(t, verdict(t, verifier, oldToken), "the issuer has withdrawn it")
		require.Equal(t, 2, answers.count())
	})
}

func TestJWKSUnknownKeyIDsCostOneFetch(t *testing.T) {
	t.Parallel()
	stranger := withKid(t, "made up")
	synctest.Test(t, func(t *testing.T) {
		answers := &issuer{}
		answers.answers(http.StatusOK, keySet(jwk(t, rsaKey().Public(), "k", nil)), nil)
		verifier := remote(t, answers)
		pass(time.Minute)
		var strangers sync.WaitGroup
		for range 50 {
			strangers.Go(func() {
				_, err := verifier.Verify(context.Background(), stranger)
				if err == nil || errors.Is(err, source.ErrUnavailable) {
					t.Errorf("want a refusal, not %v", err)
				}
			})
		}
		strangers.Wait()
		require.Equal(t, 2, answers.count())
		pass(29 * time.Second)
		require.Error(t, verdict(t, verifier, stranger))
		require.Equal(t, 2, answers.count())
	})
}

func TestJWKSRefreshesEveryHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := &issuer{}
		answers.answers(http.StatusOK, keySet(), nil)
		_ = remote(t, answers)
		pass(53 * time.Minute)
		require.Equal(t, 1, answers.count())
		pass(14 * time.Minute)
		require.Equal(t, 2, answers.count())
	})
}

func TestJWKSOutage(t *testing.T) {
	t.Parallel()
	known, stranger := withKid(t, "k"), withKid(t, "made up")
	synctest.Test(t, func(t *testing.T) {
		answers := &issuer{}
		answers.answers(0, "", errors.New("no route"))
		verifier := remote(t, answers)
		require.ErrorIs(t, verdict(t, verifier, known), source.ErrUnavailable, "no keys yet")
		require.NoError(t, verifier.Early(known))

		set := keySet(jwk(t, rsaKey().Public(), "k", nil))
		answers.answers(http.StatusOK, set, nil)
		pass(2 * time.Second)
		require.NoError(t, verdict(t, verifier, known), "it tries again by itself")

		for name, fail := range map[string]func(){
			"unreachable": func() { answers.answers(0, "", errors.New("no route")) },
			"status":      func() { answers.answers(http.StatusInternalServerError, set, nil) },
			"redirect":    func() { answers.answers(http.StatusFound, set, nil) },
			"no set":      func() { answers.answers(http.StatusOK, `{}`, nil) },
			"HTML":        func() { answers.answers(http.StatusOK, `<html>`, nil) },
			"too large":   func() { answers.answers(http.StatusOK, set+strings.Repeat(" ", 1<<20), nil) },
			"too many":    func() { answers.answers(http.StatusOK, keySet(strings.Repeat(`{},`, 100)+`{}`), nil) },
		} {
			fail()
			pass(2 * time.Hour)
			require.NoError(t, verdict(t, verifier, known), name)
			require.ErrorIs(t, verdict(t, verifier, stranger), source.ErrUnavailable, name)
		}
		pass(7 * 24 * time.Hour)
		require.ErrorIs(t, verdict(t, verifier, known), source.ErrUnavailable, "a withdrawn key must not live for ever")
	})
}

func TestJWKSWaitsNotForLong(t *testing.T) {
	t.Parallel()
	stranger := withKid(t, "made up")
	synctest.Test(t, func(t *testing.T) {
		answers := &issuer{}
		answers.answers(http.StatusOK, keySet(), nil)
		verifier := remote(t, answers)
		pass(time.Minute)
		answers.hangs()
		before := time.Now()
		require.ErrorIs(t, verdict(t, verifier, stranger), source.ErrUnavailable)
		require.Equal(t, time.Second, time.Since(before))
	})
}

func TestJWKSWithdrawsAll(t *testing.T) {
	t.Parallel()
	known := withKid(t, "k")
	synctest.Test(t, func(t *testing.T) {
		answers := &issuer{}
		answers.answers(http.StatusOK, keySet(jwk(t, rsaKey().Public(), "k", nil)), nil)
		verifier := remote(t, answers)
		answers.answers(http.StatusOK, keySet(), nil)
		pass(2 * time.Hour)
		err := verdict(t, verifier, known)
		require.Error(t, err)
		require.NotErrorIs(t, err, source.ErrUnavailable)
	})
}

func TestJWKSKeys(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	curve, edward := ecdsaKey(t, elliptic.P256()), ed25519Key(t)
	good := rsaKey().Public()
	for name, test := range map[string]struct {
		alg   string
		key   any
		set   []string
		valid bool
	}{
		"RSA":            {"RS256", rsaKey(), []string{jwk(t, good, "k", nil)}, true},
		"ECDSA":          {"ES256", curve, []string{jwk(t, curve.Public(), "k", nil)}, true},
		"Ed25519":        {"EdDSA", edward, []string{jwk(t, edward.Public(), "k", nil)}, true},
		"no kid":         {"RS256", rsaKey(), []string{jwk(t, good, "", nil)}, true},
		"use and alg":    {"RS256", rsaKey(), []string{jwk(t, good, "k", map[string]any{"use": "sig", "alg": "RS256", "key_ops": []string{"verify"}})}, true},
		"beside bad":     {"RS256", rsaKey(), []string{`1`, `{"kty":"what"}`, `{"kty":"RSA","kid":"k"}`, jwk(t, good, "k", nil)}, true},
		"encryption":     {"RS256", rsaKey(), []string{jwk(t, good, "k", map[string]any{"use": "enc"})}, false},
		"other ops":      {"RS256", rsaKey(), []string{jwk(t, good, "k", map[string]any{"key_ops": []string{"wrapKey"}})}, false},
		"other alg":      {"RS256", rsaKey(), []string{jwk(t, good, "k", map[string]any{"alg": "PS256"})}, false},
		"RSA-OAEP":       {"RS256", rsaKey(), []string{jwk(t, good, "k", map[string]any{"alg": "RSA-OAEP"})}, false},
		"other kid":      {"RS256", rsaKey(), []string{jwk(t, good, "other", nil)}, false},
		"other kind":     {"RS256", rsaKey(), []string{jwk(t, curve.Public(), "k", nil)}, false},
		"short":          {"RS256", weak, []string{jwk(t, weak.Public(), "k", nil)}, false},
		"x5u is ignored": {"RS256", rsaKey(), []string{jwk(t, good, "k", map[string]any{"x5u": "https://issuer.example.com/x5u"})}, true},
		"shared secret":  {"HS256", []byte("x"), []string{`{"kty":"oct","kid":"k","k":"eA"}`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				answers := &issuer{}
				answers.answers(http.StatusOK, keySet(test.set...), nil)
				verifier := remote(t, answers)
				text := signedToken(t, test.alg, test.key, pushClaims(), map[string]any{"kid": "k"})
				requireVerdict(t, test.valid, verifier, tokenRequest(text))
				require.Equal(t, 1, answers.count(), "nothing but the set is fetched")
			})
		})
	}
}

// Over a real connection: a redirect is not followed, even by a client that would.
func TestJWKSOverHTTP(t *testing.T) {
	t.Parallel()
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, keySet(jwk(t, rsaKey().Public(), "k", nil)))
	}))
	defer evil.Close()
	served := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, evil.URL, http.StatusFound)
		} else {
			_, _ = fmt.Fprint(w, keySet(jwk(t, rsaKey().Public(), "k", nil)))
		}
		served <- struct{}{}
	}))
	defer server.Close()
	for path, valid := range map[string]bool{"/keys": true, "/moved": false} {
		config := pushConfig(t)
		config.PublicKeys, config.JWT.JWKS = nil, server.URL+path
		verifier, err := verify.New(config, verify.Deps{HTTP: &http.Client{Timeout: 5 * time.Second}})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var owner sync.WaitGroup
		owner.Go(func() {
			runner, _ := verifier.(interface {
				Run(ctx context.Context) error
			})
			_ = runner.Run(ctx)
		})
		<-served
		err = verdict(t, verifier, withKid(t, "k"))
		if valid {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, source.ErrUnavailable)
		}
		cancel()
		owner.Wait()
	}
}

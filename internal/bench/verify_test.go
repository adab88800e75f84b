package bench

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	secrets "sever/internal/secret"
	"sever/revocation"
	"sever/source"
	"sever/source/verify"
)

// verifyTurns is in how many turns the kinds of senders are measured. Of each turn a
// ratio is taken, and of the ratios the median.
const verifyTurns = 15

// sender is one way to prove who sends.
type sender struct {
	name   string // of the source, and of the figure
	config verify.Config
	key    crypto.Signer // for those that sign with one
}

// BenchmarkReceiveVerify gives what authentication costs of accepted deliveries per
// second at 64 connections, with the store: every kind of sender beside the plain header,
// in turns, on one receiver. of-header is the figure to quote; header-again, which is the
// plain header once more, shows how far it can be trusted.
func BenchmarkReceiveVerify(b *testing.B) {
	const connections = 64
	body := eventHookBody(b)
	all := senders(b)
	loads := loadsOf(b, all, body)
	share := max(b.N/(verifyTurns*len(loads)), 4*connections)
	rates := make([][]float64, len(loads))
	b.ResetTimer()
	for turn := range verifyTurns {
		for i := range loads { // who goes first has an advantage: it goes round
			at := (turn + i) % len(loads)
			measured := loads[at].run(b, connections, share)
			rates[at] = append(rates[at], measured.perSecond())
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(rates[0]), "header-accepted/s")
	for i, s := range all[1:] {
		ratios := make([]float64, verifyTurns)
		for turn := range ratios {
			ratios[turn] = rates[i+1][turn] / rates[0][turn]
		}
		b.ReportMetric(median(ratios), s.name+"-of-header")
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// BenchmarkReceivePath gives what taking one delivery costs without network and store, for
// every kind of sender.
func BenchmarkReceivePath(b *testing.B) {
	body := eventHookBody(b)
	all := senders(b)
	receiver, err := handlers.NewReceiver(nowhere{}, sourcesOf(b, all), handlers.ReceiveConfig{})
	require.NoError(b, err)
	for _, s := range all {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			reader := bytes.NewReader(body)
			req := httptest.NewRequest(http.MethodPost, hookOf(s), reader)
			s.sign(b, req, body)
			answer := &unsent{header: make(http.Header)}
			for b.Loop() {
				reader.Reset(body)
				receiver.ServeHTTP(answer, req)
			}
			require.Equal(b, http.StatusNoContent, answer.status)
		})
	}
}

// unsent is an answer of which only the status is kept.
type unsent struct {
	header http.Header
	status int
}

func (a *unsent) Header() http.Header         { return a.header }
func (a *unsent) Write(p []byte) (int, error) { return len(p), nil }
func (a *unsent) WriteHeader(status int)      { a.status = status }

// nowhere is a log that keeps nothing.
type nowhere struct{}

func (nowhere) Append(context.Context, revocation.Delivery) error { return nil }

// loadsOf serves one source for each sender and prepares what it sends.
func loadsOf(b *testing.B, all []sender, body []byte) []load {
	b.Helper()
	address := serveSources(b, sourcesOf(b, all))
	loads := make([]load, 0, len(all))
	for _, s := range all {
		req := httptest.NewRequest(http.MethodPost, "http://"+address+hookOf(s), http.NoBody)
		s.sign(b, req, body)
		loads = append(loads, newLoad(b, address, hookOf(s), req.Header, body))
	}
	return loads
}

func sourcesOf(b *testing.B, all []sender) []source.Source {
	b.Helper()
	sources := make([]source.Source, 0, len(all))
	for _, s := range all {
		verifier, err := verify.New(s.config, verify.Deps{})
		require.NoError(b, err)
		sources = append(sources, source.Source{Name: s.name, Org: "acme", Verifier: verifier, Accepted: http.StatusNoContent})
	}
	return sources
}

func hookOf(s sender) string { return "/v1/hooks/" + s.name }

// sign adds the headers that the sender adds.
func (s sender) sign(b *testing.B, req *http.Request, body []byte) {
	b.Helper()
	req.Header.Set("Content-Type", "application/json")
	_, err := verify.Sign(s.config, s.key, req, body, time.Now())
	require.NoError(b, err)
}

// senders are the kinds to measure, the plain header first.
func senders(b *testing.B) []sender {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(b, err)
	public := secrets.New(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	shared := []secrets.Secret{secrets.New(secret)}
	header := verify.Config{Type: "header", Secrets: shared}
	return []sender{
		{name: "header", config: header},
		{name: "header-again", config: header},
		{name: "basic", config: verify.Config{Type: "basic", User: "sever", Secrets: shared}},
		{name: "hmac", config: verify.Config{Type: "hmac", Header: "X-Signature", Secrets: shared}},
		{name: "stripe", config: verify.Config{
			Type: "hmac", Header: "Stripe-Signature", Signed: "{timestamp}.{body}", Secrets: shared,
			List:      &verify.List{Item: ",", Pair: "=", Field: "v1"},
			Timestamp: &verify.Timestamp{Field: "t", Unit: "s", Tolerance: time.Hour},
		}},
		{name: "standard-webhooks", config: verify.Config{
			Type: "hmac", Header: "Webhook-Signature", Encoding: "base64", Signed: "{id}.{timestamp}.{body}",
			List:           &verify.List{Item: " ", Pair: ",", Field: "v1"},
			Timestamp:      &verify.Timestamp{Header: "Webhook-Timestamp", Unit: "s", Tolerance: time.Hour},
			ID:             &verify.Place{Header: "Webhook-Id"},
			SecretEncoding: "base64", SecretPrefixes: []string{"whsec_"},
			Secrets: []secrets.Secret{secrets.New("whsec_" + base64.StdEncoding.EncodeToString([]byte(secret)))},
		}},
		{name: "jwt", key: key, config: verify.Config{
			Type: "jwt", PublicKeys: []secrets.Secret{public},
			JWT: &verify.JWT{Issuer: "https://sender.example.com", Audience: []string{"sever"}, Leeway: time.Hour},
		}},
	}
}

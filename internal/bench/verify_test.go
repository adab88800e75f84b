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

// verifyTurns is how often each kind of sender is measured next to the plain header. Of
// each pair a ratio is taken, and of the ratios the median: whatever else the machine does
// meanwhile strikes both of a pair, or spoils one ratio of many.
const verifyTurns = 21

// sender is one way to prove who sends.
type sender struct {
	name   string // of the source, and of the figure
	config verify.Config
	key    crypto.Signer // for those that sign with one
}

// BenchmarkReceiveVerify gives what authentication costs of accepted deliveries per
// second at 64 connections, with the store: every kind of sender beside the plain header,
// in turns, on one receiver. of-header is the figure to quote, and header-again, which is
// the plain header once more, shows how far to trust it. cpu-of-header is the same for the
// processor time of the whole process, load generator and store included.
func BenchmarkReceiveVerify(b *testing.B) {
	const connections = 64
	all := senders(b)
	loads := loadsOf(b, all, eventHookBody(b))
	header, others := loads[0], loads[1:]
	share := max(b.N/(2*verifyTurns*len(others)), 4*connections)
	plain := result{}
	rates, costs := make([][]float64, len(others)), make([][]float64, len(others))
	b.ResetTimer()
	for turn := range verifyTurns {
		for i, other := range others {
			pair := [2]load{header, other}
			var of [2]result
			for step := range pair {
				at := (turn + step) % 2 // who goes first is not always the same
				of[at] = pair[at].run(b, connections, share)
			}
			plain.add(of[0])
			rates[i] = append(rates[i], of[1].perSecond()/of[0].perSecond())
			costs[i] = append(costs[i], of[1].cpu.Seconds()/of[0].cpu.Seconds())
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(plain.perSecond(), "header-accepted/s")
	for i := range others {
		b.ReportMetric(median(rates[i]), all[i+1].name+"-of-header")
		b.ReportMetric(median(costs[i]), all[i+1].name+"-cpu-of-header")
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

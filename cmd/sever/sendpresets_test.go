package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"sever/revocation"
	"sever/source/preset"
)

// senders are all presets, each the type of a source, and one private key that stands for
// those of all senders that sign with one.
type senders struct {
	presets map[string]preset.Preset
	shell   shell
	keyFile string
	jwks    string // where the public key is served
}

func newSenders(t *testing.T) *senders {
	t.Helper()
	presets, err := preset.All()
	require.NoError(t, err)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	s := &senders{presets: presets, shell: secrets(), keyFile: filepath.Join(t.TempDir(), "key.pem"), jwks: serveKeys(t, key)}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	s.shell.env["SENDERS_CERT"] = certificate(t, key)
	return s
}

func serveKeys(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "practice",
		"n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
	}}})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	t.Cleanup(server.Close)
	return server.URL
}

func certificate(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// sourceOf is the name of a preset's source, so that its type names it as well.
func sourceOf(kind string) string { return "my-" + kind }

// sources is the section of a user who has these presets.
func (s *senders) sources(t *testing.T, names ...string) string {
	t.Helper()
	all := map[string]any{}
	for _, name := range names {
		known := s.presets[name]
		if name == "okta_event_hook" {
			continue // the installation has one
		}
		written := map[string]any{}
		if known.Needs.Kind != 0 {
			require.NoError(t, known.Needs.Decode(&written), name)
		}
		written["type"], written["org"] = name, "acme"
		s.prove(t, known, section(written, "verify"))
		all[sourceOf(name)] = written
	}
	if len(all) == 0 {
		return ""
	}
	text, err := yaml.Marshal(all)
	require.NoError(t, err)
	return strings.ReplaceAll("  "+string(text), "\n", "\n  ")
}

// prove adds what a sender's proof is checked with.
func (s *senders) prove(t *testing.T, known preset.Preset, proof map[string]any) {
	t.Helper()
	var says struct {
		Verify struct {
			Type           string
			SecretPrefixes []string `yaml:"secret_prefixes"`
		}
	}
	require.NoError(t, known.Source.Decode(&says), known.Name)
	switch says.Verify.Type {
	case "jwt", "set":
		section(proof, "jwt")["jwks"] = s.jwks
	case "sns":
		section(proof, "sns")["certificate"] = "env:SENDERS_CERT"
	default:
		// It can be read in any encoding that a preset asks for.
		secret := base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%-36.36s", "practice secret of "+known.Name)))
		if prefixes := says.Verify.SecretPrefixes; len(prefixes) > 0 {
			secret = prefixes[0] + secret
		}
		variable := strings.ToUpper(known.Name) + "_SECRET"
		proof["secrets"] = []string{"env:" + variable}
		s.shell.env[variable] = secret
	}
}

func section(of map[string]any, name string) map[string]any {
	inner, ok := of[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		of[name] = inner
	}
	return inner
}

// run types a command line; nothing that it prints may hold a secret.
func (s *senders) run(t *testing.T, args ...string) result {
	t.Helper()
	got := s.shell.run(t, args...)
	for name, secret := range s.shell.env {
		require.NotContains(t, got.out+got.err, secret, "%s in what %q printed", name, args)
	}
	return got
}

// Every preset's sample, sent by its source's name, becomes a job about whom it names; what
// is no alert, sent by the type, becomes none.
func TestSendOfEveryPreset(t *testing.T) {
	t.Parallel()
	s := newSenders(t)
	names := slices.Sorted(maps.Keys(s.presets))
	where := installation{more: s.sources(t, names...) + "\nlog: {level: debug}"}
	served := s.shell.start(t, "serve", "--config", where.file(t))
	where.listen, where.admin = serving(t, served)
	where.more = ""
	bare := where.file(t)
	// A sender's side has no need of the other senders' settings, and compiling all of them for each command takes its time.
	send := func(kind, source string, more ...string) {
		t.Helper()
		where.more = s.sources(t, kind)
		args := append([]string{"send", source, "--config", where.file(t), "--key", s.keyFile}, more...)
		got := s.run(t, args...)
		require.Equal(t, exitDone, got.code, "%q: %s%s", args, got.out, got.err)
		require.Regexp(t, `^20\d [A-Z][A-Za-z ]+ in \S+, request id \S+\n$`, got.out, args)
		require.Empty(t, got.err, args)
	}
	jobs := func() map[string][]revocation.Job {
		t.Helper()
		got := s.run(t, "jobs", "list", "--json", "--limit", "1000", "--config", bare)
		require.Equal(t, exitDone, got.code, got.err)
		var listed []revocation.JobState
		require.NoError(t, json.Unmarshal([]byte(got.out), &listed))
		bySource := map[string][]revocation.Job{}
		for _, state := range listed {
			bySource[state.Job.Source] = append(bySource[state.Job.Source], state.Job)
		}
		return bySource
	}

	sources := map[string]preset.Preset{}
	for name, known := range s.presets {
		source := sourceOf(name)
		if name == "okta_event_hook" {
			source = "okta"
		}
		sources[source] = known
		send(name, source)
	}
	require.Eventually(t, func() bool { return len(jobs()) == len(sources) }, soon, tick, "a job of every source")
	for source, of := range jobs() {
		require.Len(t, of, 1, source)
		require.Equal(t, sources[source].Person, of[0].Person.Value, source)
		require.Equal(t, sources[source].Sample.Expect.Type, of[0].Type, source)
	}

	before := jobs()
	quiet := 0
	for _, name := range names {
		if none := s.presets[name].NotAlerts; len(none) > 0 {
			send(name, name, "--sample", none[0].Name)
			quiet++
		}
	}
	require.Greater(t, quiet, 30)
	// Deliveries are dealt with in the order in which they came: when the last one's job is there, no other's will come.
	send("okta_event_hook", "okta", "--person", bob)
	require.Eventually(t, func() bool { return len(jobs()["okta"]) == 2 }, soon, tick)
	after := jobs()
	after["okta"] = slices.DeleteFunc(after["okta"], func(job revocation.Job) bool { return job.Person.Value == bob })
	require.Equal(t, before, after)
	require.Equal(t, exitDone, served.stop(t), served.err)
}

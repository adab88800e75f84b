package bench

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"sever/internal/config"
	"sever/internal/practice"
	"sever/revocation"
	"sever/source"
	"sever/source/mapping"
	"sever/source/preset"
	"sever/source/ssf"
)

// BenchmarkPresets gives what decoding one delivery costs, for the main sample of every
// preset: from the stored bytes to the signals.
func BenchmarkPresets(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	cfg := everyPreset(b)
	for _, name := range slices.Sorted(maps.Keys(cfg.Sources)) {
		settings := cfg.Sources[name]
		decoder := decoderOf(b, name, settings)
		delivery := sampleOf(b, name, settings, key)
		decoded, err := decoder.Decode(delivery)
		require.NoError(b, err, name)
		require.NotEmpty(b, decoded.Signals, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(delivery.Body)))
			for b.Loop() {
				if _, err := decoder.Decode(delivery); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// everyPreset is a configuration in which every preset is a source of its own name.
func everyPreset(b *testing.B) *config.Config {
	b.Helper()
	presets, err := preset.All()
	require.NoError(b, err)
	sources := make(map[string]any, len(presets))
	for name, known := range presets {
		sources[name] = settingsOf(b, known)
	}
	text, err := yaml.Marshal(map[string]any{
		"orgs": map[string]any{"acme": map[string]any{
			"url": "http://127.0.0.1:1", "auth": map[string]any{"type": "ssws", "token": "env:SECRET"},
		}},
		"sources": sources,
	})
	require.NoError(b, err)
	file := filepath.Join(b.TempDir(), "sever.yaml")
	require.NoError(b, os.WriteFile(file, text, 0o600))
	cfg, err := config.Load(file, func(name string) (string, bool) {
		encoded := base64.StdEncoding.EncodeToString([]byte(secret + "0123456789abcdef"))
		if name == "PREFIXED" {
			return "whsec_" + encoded, true
		}
		return encoded, true // which is good in any encoding that a preset asks for
	})
	require.NoError(b, err)
	return cfg
}

// settingsOf are what a user of the preset writes; its keys are never asked for.
func settingsOf(b *testing.B, known preset.Preset) map[string]any {
	b.Helper()
	written := map[string]any{}
	if known.Needs.Kind != 0 {
		require.NoError(b, known.Needs.Decode(&written))
	}
	written["type"], written["org"] = known.Name, "acme"
	var says struct {
		Verify struct {
			Type     string   `yaml:"type"`
			Prefixes []string `yaml:"secret_prefixes"`
		} `yaml:"verify"`
	}
	if known.Source.Kind != 0 {
		require.NoError(b, known.Source.Decode(&says))
	}
	proof, _ := written["verify"].(map[string]any)
	if proof == nil {
		proof = map[string]any{}
		written["verify"] = proof
	}
	if chosen, ok := proof["type"].(string); ok {
		says.Verify.Type = chosen
	}
	switch says.Verify.Type {
	case "jwt", "set":
		within(proof, "jwt")["jwks"] = "http://127.0.0.1:1/keys"
	case "sns": // its certificate would be fetched
	default:
		proof["secrets"] = []string{"env:SECRET"}
		if slices.Contains(says.Verify.Prefixes, "whsec_") {
			proof["secrets"] = []string{"env:PREFIXED"}
		}
	}
	return written
}

// within gives the section of that name, made if it is not there.
func within(of map[string]any, name string) map[string]any {
	section, ok := of[name].(map[string]any)
	if !ok {
		section = map[string]any{}
		of[name] = section
	}
	return section
}

func decoderOf(b *testing.B, name string, settings config.Source) source.Decoder { //nolint:ireturn // one of three kinds
	b.Helper()
	switch known := settings.Preset().Decoder; known {
	case "okta_event_hook":
		return source.NewOktaEventHook(settings.Org)
	case "ssf":
		return ssf.NewDecoder(name, settings.Org, nil, nil)
	default:
		require.Equal(b, preset.DecoderMapping, known)
		decoder, err := mapping.New(settings.Map, name, settings.Org)
		require.NoError(b, err)
		return decoder
	}
}

// sampleOf is the preset's main sample, signed as its sender does and stored as it came.
func sampleOf(b *testing.B, name string, settings config.Source, key crypto.Signer) revocation.Delivery {
	b.Helper()
	now := time.Now()
	values := preset.Values{Source: name, At: now}
	if len(settings.Verify.Secrets) > 0 {
		values.Secret = settings.Verify.Secrets[0].Reveal()
	}
	body, headers, err := settings.Preset().Fill(settings.Preset().Sample, values)
	require.NoError(b, err)
	sender := practice.Sender{Settings: settings, Key: key, Now: now}
	req, err := sender.Request(b.Context(), fmt.Sprintf("http://127.0.0.1:1/v1/hooks/%s", name), body, headers)
	require.NoError(b, err, name)
	sent, err := io.ReadAll(req.Body)
	require.NoError(b, err)
	return revocation.NewDelivery(name, headers["Content-Type"], sent, now).With("", headersOf(req))
}

// headersOf are all headers of a request: more than a source keeps, which changes nothing
// for its decoder.
func headersOf(req *http.Request) map[string]string {
	headers := make(map[string]string, len(req.Header))
	for name := range req.Header {
		headers[name] = req.Header.Get(name)
	}
	return headers
}

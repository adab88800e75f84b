// Package practice makes the deliveries that a source's sender would make, signed as it
// signs, for `sever send` and for tests.
package practice

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"sever/internal/config"
	"sever/source/preset"
	"sever/source/verify"
)

// Sample is the sample of a preset with this name; "" is its main one.
func Sample(of preset.Preset, name string) (preset.Message, error) {
	if name == "" || name == "alert" {
		return of.Sample, nil
	}
	for _, message := range samples(of) {
		if message.Name == name {
			return message, nil
		}
	}
	return preset.Message{}, fmt.Errorf("%s has no sample %q; it has %q", of.Name, name, SampleNames(of))
}

// SampleNames lists what Sample takes.
func SampleNames(of preset.Preset) []string {
	names := []string{"alert"}
	for _, message := range samples(of) {
		names = append(names, message.Name)
	}
	return names
}

func samples(of preset.Preset) []preset.Message {
	all := append([]preset.Message{}, of.More...)
	if of.Future != nil {
		all = append(all, named(*of.Future, "future"))
	}
	if of.Withdrawal != nil {
		all = append(all, named(*of.Withdrawal, "withdrawal"))
	}
	all = append(all, of.NotAlerts...)
	return append(all, of.Traps...)
}

func named(message preset.Message, name string) preset.Message {
	message.Name = name
	return message
}

// Sender signs in a sender's name.
type Sender struct {
	Settings config.Source
	// Key is the sender's private key, for those that sign with one.
	Key crypto.Signer
	Now time.Time
}

// Request makes the signed request with body and headers, to target.
func (s Sender) Request(ctx context.Context, target string, body []byte, headers map[string]string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	for _, proof := range s.Settings.Proofs() {
		if body, err = verify.Sign(proof, s.Key, req, body, s.Now); err != nil {
			return nil, fmt.Errorf("sign as %s does: %w", s.Settings.Type, err)
		}
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return req, nil
}

// LoadKey reads a private key in PEM.
func LoadKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the key is not PEM")
	}
	key, err := parseKey(block)
	if err != nil {
		return nil, errors.New("the key is no private key that is known: give PKCS #8, PKCS #1 or SEC 1 in PEM")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	return signer, nil
}

func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes) //nolint:wrapcheck // said by the caller
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes) //nolint:wrapcheck // said by the caller
	default:
		return x509.ParsePKCS8PrivateKey(block.Bytes) //nolint:wrapcheck // said by the caller
	}
}

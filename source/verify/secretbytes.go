package verify

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"sever/internal/secret"
)

// secretBytes gives the bytes of a shared secret as the sender's documentation means them.
// Its errors hold nothing of the secret.
func (c Config) secretBytes(from secret.Secret) ([]byte, error) {
	text := c.withoutPrefix(from.Reveal())
	if text == "" {
		return nil, errors.New("is empty")
	}
	switch c.SecretEncoding {
	case "hex":
		key, err := hex.DecodeString(text)
		if err != nil {
			return nil, errors.New("is not hex")
		}
		return key, nil
	case "base64":
		key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil || len(key) == 0 {
			return nil, errors.New("is not base64")
		}
		return key, nil
	default:
		return []byte(text), nil
	}
}

func (c Config) withoutPrefix(text string) string {
	for _, prefix := range c.SecretPrefixes {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return rest
		}
	}
	return text
}

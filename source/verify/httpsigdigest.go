package verify

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"

	"github.com/dunglas/httpsfv"
)

var errContentDigest = errors.New("Content-Digest is not that of the body")

// checkContentDigest wants a Content-Digest (RFC 9530) with a digest of the body by a
// function that we know, and no known one that differs.
func checkContentDigest(lines []string, body []byte) error {
	digests, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return errContentDigest
	}
	known := 0
	for _, name := range digests.Names() {
		want := bodyDigest(name, body)
		if want == nil {
			continue
		}
		member, _ := digests.Get(name)
		item, _ := member.(httpsfv.Item)
		given, _ := item.Value.([]byte)
		if subtle.ConstantTimeCompare(want, given) == 0 {
			return errContentDigest
		}
		known++
	}
	if known == 0 {
		return errContentDigest
	}
	return nil
}

func bodyDigest(name string, body []byte) []byte {
	switch name {
	case "sha-256":
		sum := sha256.Sum256(body)
		return sum[:]
	case "sha-512":
		sum := sha512.Sum512(body)
		return sum[:]
	}
	return nil
}

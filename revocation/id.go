package revocation

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// DeriveID makes an id from what it stands for: the same parts give the same id
// wherever and whenever they are seen again, which is what makes every stage safe
// to repeat. The parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
// The result is kind, "_" and 26 lower-case base32 characters (130 bits).
func DeriveID(kind string, parts ...string) string {
	asBytes := make([][]byte, len(parts))
	for i, part := range parts {
		asBytes[i] = []byte(part)
	}
	return deriveID(kind, asBytes...)
}

// deriveID is DeriveID for parts that are bytes already, such as a whole body.
func deriveID(kind string, parts ...[]byte) string {
	hash := sha256.New()
	var length [binary.MaxVarintLen64]byte
	for _, part := range parts {
		hash.Write(length[:binary.PutUvarint(length[:], uint64(len(part)))])
		hash.Write(part)
	}
	sum := base32.StdEncoding.EncodeToString(hash.Sum(nil))
	return kind + "_" + strings.ToLower(sum[:26])
}

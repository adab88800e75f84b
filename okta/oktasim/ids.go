package oktasim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// ids makes ids that look like Okta's and are the same for the same seed and order of calls.
type ids struct {
	seed  uint64
	count atomic.Uint64
}

func newIDs(seed uint64) *ids { return &ids{seed: seed} }

func (i *ids) next() [sha256.Size]byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], i.seed)
	binary.BigEndian.PutUint64(b[8:], i.count.Add(1))
	return sha256.Sum256(b[:])
}

// request looks like "ZCCzm8j2wTvzwele2NwLnwAADSc": 27 characters.
func (i *ids) request() string {
	sum := i.next()
	return base64.RawURLEncoding.EncodeToString(sum[:20])
}

// object is a prefix such as "who" and letters and digits up to 20 characters.
func (i *ids) object(prefix string) string {
	sum := i.next()
	clean := strings.NewReplacer("-", "x", "_", "y").Replace(base64.RawURLEncoding.EncodeToString(sum[:]))
	return prefix + clean[:20-len(prefix)]
}

// uuid has the form of a version 4 UUID.
func (i *ids) uuid() string {
	sum := i.next()
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// upTo is an even share of limit.
func (i *ids) upTo(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	sum := i.next()
	return time.Duration(binary.BigEndian.Uint64(sum[:8]) % (uint64(limit) + 1)) //nolint:gosec // at most limit
}

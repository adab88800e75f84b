package verify

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"sever/source"
)

const (
	// maxCandidates bounds the work that one header can ask for; a sender that rotates
	// its secret sends two or three signatures.
	maxCandidates = 16
	// maxSignatureHeader is far above any signature, 16 of them by RSA with 4096 bits excepted.
	maxSignatureHeader = 8 << 10
)

// signatureForm is how the signatures stand in their header.
type signatureForm struct {
	header   string // canonical
	prefix   string
	list     *List  // nil for a single signature
	time     string // the pair of list that holds the timestamp, or ""
	encoding string
	padded   *base64.Encoding // of encoding, to decode; nil for hex
	bare     *base64.Encoding // the same without padding
}

// found is what a signature header holds.
type found struct {
	candidates [maxCandidates]string
	count      int
	timestamp  string // only if the form names a pair for it
}

func (c Config) signatureForm() signatureForm {
	form := signatureForm{header: canonical(c.Header), prefix: c.Prefix, encoding: c.Encoding}
	switch c.Encoding {
	case "base64":
		form.padded = base64.StdEncoding
	case "base64url":
		form.padded = base64.URLEncoding
	}
	if form.padded != nil {
		// Strict: one signature has one spelling, so that no changed byte goes unnoticed.
		form.padded = form.padded.Strict()
		form.bare = form.padded.WithPadding(base64.NoPadding)
	}
	if c.List != nil {
		list := *c.List
		if list.Item == "" {
			list.Item = ","
		}
		if list.Pair == "" {
			list.Pair = "="
		}
		form.list = &list
	}
	if c.Timestamp != nil {
		form.time = c.Timestamp.Field
	}
	return form
}

// find reads the header. Only a list may be spread over several lines, which RFC 9110,
// section 5.3, makes the same as one: of single values nobody knows which one counts.
func (f signatureForm) find(req source.Request) (found, error) {
	lines := req.Header[f.header]
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	switch {
	case len(lines) == 0:
		return found{}, ErrMissing
	case size > maxSignatureHeader, f.list == nil && len(lines) > 1:
		return found{}, ErrMalformed
	case f.list != nil:
		return f.pairs(lines)
	}
	text, ok := strings.CutPrefix(lines[0], f.prefix)
	if !ok || text == "" {
		return found{}, ErrMalformed
	}
	return found{candidates: [maxCandidates]string{text}, count: 1}, nil
}

func (f signatureForm) pairs(lines []string) (found, error) {
	var in found
	times := 0
	for _, line := range lines {
		for item := range strings.SplitSeq(line, f.list.Item) {
			name, value, ok := strings.Cut(strings.Trim(item, " \t"), f.list.Pair)
			switch {
			case !ok:
			case name == f.list.Field && in.count == maxCandidates:
				return found{}, ErrMalformed
			case name == f.list.Field:
				in.candidates[in.count] = value
				in.count++
			case name == f.time:
				in.timestamp = value
				times++
			}
		}
	}
	if in.count == 0 || f.time != "" && times != 1 {
		return found{}, ErrMalformed
	}
	return in, nil
}

// decode gives the signatures that can be read; one that cannot be is no reason to refuse
// those beside it.
func (f signatureForm) decode(in *found) [][]byte {
	texts := in.candidates[:in.count]
	size := 0
	for _, text := range texts {
		size += len(text)
	}
	signatures := make([][]byte, 0, len(texts))
	buffer := make([]byte, 0, size)
	for _, text := range texts {
		start := len(buffer)
		decoded, ok := f.appendDecoded(buffer, text)
		if !ok || len(decoded) == start {
			continue
		}
		buffer = decoded
		signatures = append(signatures, buffer[start:len(buffer):len(buffer)])
	}
	return signatures
}

func (f signatureForm) appendDecoded(to []byte, text string) ([]byte, bool) {
	if f.padded == nil {
		decoded, err := hex.AppendDecode(to, []byte(text))
		return decoded, err == nil
	}
	if strings.ContainsAny(text, "\r\n") {
		return nil, false // package base64 would skip them
	}
	encoding := f.padded
	if !strings.HasSuffix(text, "=") {
		encoding = f.bare
	}
	decoded, err := encoding.AppendDecode(to, []byte(text))
	return decoded, err == nil
}

// encode writes a signature as appendDecoded reads it.
func (f signatureForm) encode(signature []byte) string {
	switch f.encoding {
	case "base64":
		return base64.StdEncoding.EncodeToString(signature)
	case "base64url":
		return base64.URLEncoding.EncodeToString(signature)
	default:
		return hex.EncodeToString(signature)
	}
}

// write gives the header that find reads.
func (f signatureForm) write(signature []byte, timestamp string) string {
	text := f.encode(signature)
	if f.list == nil {
		return f.prefix + text
	}
	pair := f.list.Field + f.list.Pair + text
	if f.time == "" {
		return pair
	}
	return f.time + f.list.Pair + timestamp + f.list.Item + pair
}

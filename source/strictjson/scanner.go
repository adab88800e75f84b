package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// scanner reads one JSON value (RFC 8259) from its first byte to its last.
type scanner struct {
	text string
	at   int // the byte that is read next

	shapeOnly bool // what strings and keys say does not matter

	depth      int
	containers int
	keys       keys
}

// whole reads the text as one value, with nothing behind it.
func (s *scanner) whole() error {
	if err := s.value(); err != nil {
		return err
	}
	s.space()
	if s.at < len(s.text) {
		return fmt.Errorf("body goes on behind its JSON value at byte %d", s.at)
	}
	return nil
}

func (s *scanner) invalid() error { return fmt.Errorf("body is not valid JSON near byte %d", s.at) }

// peek gives the next byte; 0, which is never valid where it is asked for, at the end.
func (s *scanner) peek() byte {
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) value() error {
	s.space()
	switch c := s.peek(); {
	case c == '{':
		return s.object()
	case c == '[':
		return s.array()
	case c == '"':
		_, err := s.string()
		return err
	case c == '-' || isDigit(c):
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	default:
		return s.invalid()
	}
}

func (s *scanner) literal(word string) error {
	if !strings.HasPrefix(s.text[s.at:], word) {
		return s.invalid()
	}
	s.at += len(word)
	return nil
}

// enter opens an object or array.
func (s *scanner) enter() error {
	s.at++
	s.depth++
	s.containers++
	switch {
	case s.shapeOnly:
		if s.depth > jsonDepth {
			return s.invalid()
		}
	case s.depth > maxDepth:
		return fmt.Errorf("body nests deeper than %d near byte %d", maxDepth, s.at)
	case s.containers > maxContainers:
		return fmt.Errorf("body holds more than %d objects and arrays", maxContainers)
	}
	return nil
}

// leave closes what was entered, at its bracket.
func (s *scanner) leave() {
	s.at++
	s.depth--
}

func (s *scanner) array() error {
	if err := s.enter(); err != nil {
		return err
	}
	s.space()
	if s.peek() == ']' {
		s.leave()
		return nil
	}
	for {
		if err := s.value(); err != nil {
			return err
		}
		more, err := s.more(']')
		if err != nil || !more {
			return err
		}
	}
}

func (s *scanner) object() error {
	if err := s.enter(); err != nil {
		return err
	}
	first := len(s.keys.names)
	defer func() { s.keys.names = s.keys.names[:first] }()
	s.space()
	if s.peek() == '}' {
		s.leave()
		return nil
	}
	return s.members(object{first: first})
}

// members reads the keys and values of an object, to its end.
func (s *scanner) members(of object) error {
	for {
		s.space()
		key, err := s.string()
		if err != nil {
			return err
		}
		if err := s.take(&of, key); err != nil {
			return fmt.Errorf("%w near byte %d", err, s.at)
		}
		s.space()
		if s.peek() != ':' {
			return s.invalid()
		}
		s.at++
		if err := s.value(); err != nil {
			return err
		}
		more, err := s.more('}')
		if err != nil || !more {
			return err
		}
	}
}

// take compares a key with the others of its object.
func (s *scanner) take(of *object, key string) error {
	if s.shapeOnly {
		return nil
	}
	return s.keys.take(of, key)
}

// more reads what follows a value: a comma, or the closing bracket.
func (s *scanner) more(closing byte) (more bool, err error) {
	s.space()
	switch s.peek() {
	case ',':
		s.at++
		return true, nil
	case closing:
		s.leave()
		return false, nil
	default:
		return false, s.invalid()
	}
}

// string reads a string and gives what it says.
func (s *scanner) string() (string, error) {
	if s.peek() != '"' {
		return "", s.invalid()
	}
	start, escaped := s.at, false
	for s.at++; ; s.at++ {
		s.at += plain(s.text[s.at:])
		switch s.peek() {
		case '"':
			s.at++
			if escaped && !s.shapeOnly {
				return unquote(s.text[start:s.at])
			}
			return s.text[start+1 : s.at-1], nil
		case '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return "", err
			}
		default: // a control character, or the end
			return "", s.invalid()
		}
	}
}

// plain is how many bytes of a string come before its end, an escape, or what no string may hold.
func plain(text string) int {
	at := 0
	for ; len(text)-at >= 8; at += 8 {
		if found := special(text[at : at+8]); found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for ; at < len(text); at++ {
		if c := text[at]; c < ' ' || c == '"' || c == '\\' {
			break
		}
	}
	return at
}

// special looks at eight bytes at once and leaves the highest bit of the first that is no plain one
// (https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord). Of those behind it some bits may be wrong.
func special(text string) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	eight := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
		uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56 // one load
	quote, backslash := eight^ones*'"', eight^ones*'\\'
	return ((eight-ones*' ')&^eight | (quote-ones)&^quote | (backslash-ones)&^backslash) & highs
}

// escape reads the rest of an escape, but for its last byte.
func (s *scanner) escape() error {
	s.at++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return s.invalid()
	}
	for range 4 {
		s.at++
		if !isHex(s.peek()) {
			return s.invalid()
		}
	}
	return nil
}

func unquote(quoted string) (text string, err error) {
	if json.Unmarshal([]byte(quoted), &text) != nil {
		return "", errors.New("body is not valid JSON")
	}
	return text, nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if s.digits() == 0 {
		return s.invalid()
	}
	if s.peek() == '.' {
		s.at++
		if s.digits() == 0 {
			return s.invalid()
		}
	}
	if c := s.peek(); c != 'e' && c != 'E' {
		return nil
	}
	s.at++
	if c := s.peek(); c == '+' || c == '-' {
		s.at++
	}
	if s.digits() == 0 {
		return s.invalid()
	}
	return nil
}

func (s *scanner) digits() (count int) {
	for isDigit(s.peek()) {
		s.at++
		count++
	}
	return count
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

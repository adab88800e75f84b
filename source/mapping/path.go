package mapping

import (
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
	"unicode"
)

// Bounds of what an operator writes, far above what a sender's body needs.
const (
	maxPathText  = 500
	maxPathSteps = 32
)

// root is where a path starts.
type root int

const (
	atItem root = iota
	atBody
	atHeader
	atType
)

// step goes one level down: to the value of a key, to one element of a list, or to every one.
type step struct {
	key   string
	index int
	kind  stepKind
}

type stepKind int

const (
	toKey stepKind = iota
	toIndex
	toEvery
)

// path is a place in a body, or a kept header, or the type.
type path struct {
	root   root
	header string // in canonical form
	steps  []step
}

// parsePath reads a path: keys with dots between them, [0] for an element and [*] for
// every element of a list. A key with a dot, a bracket or a quote in it, or a space at its
// end, stands in double quotes, where \" and \\ are a quote and a backslash. Other keys,
// such as Employee # or tag::eventtype, may stand bare.
func parsePath(text string) (path, error) {
	if len(text) > maxPathText {
		return path{}, fmt.Errorf("is longer than %d bytes", maxPathText)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return path{}, errors.New("holds a control character")
	}
	p := pathParser{rest: text}
	parsed, err := p.parse()
	if err != nil {
		return path{}, err
	}
	return parsed, nil
}

type pathParser struct{ rest string }

func (p *pathParser) parse() (path, error) {
	if p.rest == "" {
		return path{}, errors.New("is empty")
	}
	parsed, err := p.root()
	if err != nil {
		return path{}, err
	}
	for first := parsed.root == atItem; p.rest != ""; first = false {
		next, err := p.step(first)
		if err != nil {
			return path{}, err
		}
		parsed.steps = append(parsed.steps, next)
		if len(parsed.steps) > maxPathSteps {
			return path{}, fmt.Errorf("has more than %d parts", maxPathSteps)
		}
	}
	return parsed.withHeader()
}

func (p *pathParser) root() (path, error) {
	if !strings.HasPrefix(p.rest, "$") {
		return path{root: atItem}, nil
	}
	name := p.rest
	if end := strings.IndexAny(name, ".["); end >= 0 {
		name = name[:end]
	}
	p.rest = p.rest[len(name):]
	switch name {
	case "$body":
		return path{root: atBody}, nil
	case "$header":
		return path{root: atHeader}, nil
	case "$type":
		return path{root: atType}, nil
	default:
		return path{}, errors.New(`starts with $ and not with $body, $header or $type; a key that starts so stands in quotes`)
	}
}

// withHeader checks what follows $header and $type.
func (parsed path) withHeader() (path, error) {
	switch {
	case parsed.root == atType && len(parsed.steps) > 0:
		return path{}, errors.New("goes on behind $type, which is a text")
	case parsed.root != atHeader:
		return parsed, nil
	case len(parsed.steps) != 1 || parsed.steps[0].kind != toKey:
		return path{}, errors.New("wants one header's name behind $header, such as $header.X-GitHub-Event")
	}
	parsed.header, parsed.steps = textproto.CanonicalMIMEHeaderKey(parsed.steps[0].key), nil
	return parsed, nil
}

func (p *pathParser) step(first bool) (step, error) {
	if strings.HasPrefix(p.rest, "[") {
		return p.bracket()
	}
	if !first {
		if !strings.HasPrefix(p.rest, ".") {
			return step{}, errors.New("needs a dot before the next key")
		}
		p.rest = p.rest[1:]
	}
	if strings.HasPrefix(p.rest, `"`) {
		return p.quoted()
	}
	return p.bare()
}

func (p *pathParser) bracket() (step, error) {
	inside, rest, closed := strings.Cut(p.rest[1:], "]")
	if !closed {
		return step{}, errors.New("has a [ without its ]")
	}
	p.rest = rest
	if inside == "*" {
		return step{kind: toEvery}, nil
	}
	index, err := strconv.ParseUint(inside, 10, 31)
	if err != nil || strconv.FormatUint(index, 10) != inside {
		return step{}, errors.New("wants a number or * between [ and ]")
	}
	return step{kind: toIndex, index: int(index)}, nil
}

func (p *pathParser) bare() (step, error) {
	key := p.rest
	if end := strings.IndexAny(key, ".["); end >= 0 {
		key = key[:end]
	}
	p.rest = p.rest[len(key):]
	switch {
	case key == "":
		return step{}, errors.New("has an empty key; write it as \"\" if it is meant")
	case strings.TrimSpace(key) != key:
		return step{}, errors.New("has a space at the end of a key; put the key in quotes if it is meant")
	case strings.ContainsAny(key, `"]\`):
		return step{}, errors.New("has a quote, a backslash or a ] in a bare key; put the key in quotes")
	}
	return step{key: key}, nil
}

func (p *pathParser) quoted() (step, error) {
	var key strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch char := p.rest[i]; {
		case char == '"':
			p.rest = p.rest[i+1:]
			return step{key: key.String()}, nil
		case char != '\\':
			key.WriteByte(char)
		case i+1 < len(p.rest) && (p.rest[i+1] == '"' || p.rest[i+1] == '\\'):
			i++
			key.WriteByte(p.rest[i])
		default:
			return step{}, errors.New(`has a backslash that is neither \" nor \\ in a quoted key`)
		}
	}
	return step{}, errors.New("has a quote that is not closed")
}

// branches reports whether the path can find several values.
func (parsed path) branches() bool {
	for _, step := range parsed.steps {
		if step.kind == toEvery {
			return true
		}
	}
	return false
}

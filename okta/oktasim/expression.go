package oktasim

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
)

const (
	maxExpression = 4096
	maxNesting    = 20
)

// lookup finds the values of an attribute: none, one, or several when it is an array.
type lookup func(attribute string) []any

// matcher decides about one user or event.
type matcher func(lookup) bool

// expressions are what one parameter takes: comparisons joined by and, or and parentheses, as in SCIM. Each parameter has
// rules of its own.
// https://developer.okta.com/docs/api/#filter
type expressions struct {
	operators []string
	attribute func(name, operator string) bool // nil takes any
	foldCase  bool                             // texts are the same in whatever case; names of attributes never are
}

func parseExpression(text string, rules expressions) (matcher, error) {
	if len(text) > maxExpression {
		return nil, errors.New("expression: too long")
	}
	p := &expressionParser{rules: rules, tokens: expressionTokens(text)}
	parsed, err := p.or(0)
	if err == nil && len(p.tokens) > 0 {
		err = errors.New("expression: goes on after its end")
	}
	return parsed, err
}

// expressionTokens cuts a text into names, literals and parentheses; what is none of them becomes a token that fits nowhere.
func expressionTokens(text string) []string {
	return regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+|"`).FindAllString(text, -1)
}

type expressionParser struct {
	rules  expressions
	tokens []string
}

// next takes a token, or returns "" at the end.
func (p *expressionParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	return token
}

func (p *expressionParser) takes(word string) bool {
	if len(p.tokens) == 0 || !strings.EqualFold(p.tokens[0], word) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *expressionParser) or(depth int) (matcher, error) {
	left, err := p.and(depth)
	for err == nil && p.takes("or") {
		var right matcher
		if right, err = p.and(depth); err == nil {
			before := left
			left = func(l lookup) bool { return before(l) || right(l) }
		}
	}
	return left, err
}

func (p *expressionParser) and(depth int) (matcher, error) {
	left, err := p.operand(depth)
	for err == nil && p.takes("and") {
		var right matcher
		if right, err = p.operand(depth); err == nil {
			before := left
			left = func(l lookup) bool { return before(l) && right(l) }
		}
	}
	return left, err
}

func (p *expressionParser) operand(depth int) (matcher, error) {
	if !p.takes("(") {
		return p.comparison()
	}
	if depth >= maxNesting {
		return nil, errors.New("expression: too many parentheses")
	}
	inner, err := p.or(depth + 1)
	if err == nil && !p.takes(")") {
		err = errors.New("expression: a parenthesis is not closed")
	}
	return inner, err
}

func (p *expressionParser) comparison() (matcher, error) {
	name, operator, literal := p.next(), strings.ToLower(p.next()), p.next()
	var want any
	switch {
	case !regexp.MustCompile(`^[A-Za-z][\w.]*$`).MatchString(name):
		return nil, errors.New("expression: no attribute where one should be")
	case !slices.Contains(p.rules.operators, operator):
		return nil, errors.New("expression: the operator is not supported")
	case p.rules.attribute != nil && !p.rules.attribute(name, operator):
		return nil, errors.New("expression: the attribute is not supported")
	case json.Unmarshal([]byte(literal), &want) != nil:
		return nil, errors.New("expression: no literal where one should be")
	}
	return func(l lookup) bool {
		found := l(name)
		if operator == "ne" {
			return !slices.ContainsFunc(found, func(value any) bool { return p.rules.holds("eq", value, want) })
		}
		return slices.ContainsFunc(found, func(value any) bool { return p.rules.holds(operator, value, want) })
	}, nil
}

// holds compares one value. Only texts can be anything but equal.
func (rules expressions) holds(operator string, value, want any) bool {
	text, isText := value.(string)
	wanted, wantsText := want.(string)
	if !isText || !wantsText {
		return operator == "eq" && isPlain(value) && isPlain(want) && value == want
	}
	if rules.foldCase {
		text, wanted = strings.ToLower(text), strings.ToLower(wanted)
	}
	compare := map[string]func(text, wanted string) bool{
		"eq": func(text, wanted string) bool { return text == wanted },
		"sw": strings.HasPrefix,
		"ew": strings.HasSuffix,
		"co": strings.Contains,
		"gt": func(text, wanted string) bool { return text > wanted },
		"ge": func(text, wanted string) bool { return text >= wanted },
		"lt": func(text, wanted string) bool { return text < wanted },
		"le": func(text, wanted string) bool { return text <= wanted },
	}[operator]
	return compare != nil && compare(text, wanted)
}

// isPlain reports whether a JSON value can be compared with ==.
func isPlain(value any) bool {
	switch value.(type) {
	case float64, bool:
		return true
	}
	return false
}

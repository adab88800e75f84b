package oktasim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxWords = 10 // of q
	maxWord  = 40 // characters of each
)

func setFilter(filter *matcher, text string) error {
	*filter = func(lookup) bool { return true }
	if text == "" {
		return nil
	}
	parsed, err := parseExpression(text, expressions{operators: []string{"eq", "ne", "sw", "ew", "co", "gt", "ge", "lt", "le"}})
	*filter = parsed
	return err
}

func setWords(words *[]string, text string) error {
	*words = strings.Fields(strings.ToLower(text))
	if len(*words) > maxWords || slices.ContainsFunc(*words, func(word string) bool { return utf8.RuneCountInString(word) > maxWord }) {
		return errors.New("too many words, or too long ones")
	}
	return nil
}

// lookup finds the values at a path such as target.id; every element of an array counts.
func (e event) lookup(path string) []any {
	return valuesAt(map[string]any(e), strings.Split(path, "."))
}

func valuesAt(value any, path []string) []any {
	switch value := value.(type) {
	case []any:
		var found []any
		for _, element := range value {
			found = append(found, valuesAt(element, path)...)
		}
		return found
	case map[string]any:
		if len(path) == 0 {
			return nil
		}
		return valuesAt(value[path[0]], path[1:])
	}
	if len(path) > 0 || value == nil {
		return nil
	}
	return []any{value}
}

// holdsWords reports whether each word occurs in some value, in whatever case.
func holdsWords(e event, words []string) bool {
	for _, word := range words {
		if !holdsWord(map[string]any(e), word) {
			return false
		}
	}
	return true
}

func holdsWord(value any, word string) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, each := range value {
			if holdsWord(each, word) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(value, func(each any) bool { return holdsWord(each, word) })
	case nil:
		return false
	}
	return strings.Contains(strings.ToLower(fmt.Sprint(value)), word)
}

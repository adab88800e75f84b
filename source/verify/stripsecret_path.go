package verify

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// fieldStep is one step to a place in a body: into an object's member or a list's element.
type fieldStep struct {
	key   string
	list  bool
	index int // of the element, or everyElement
}

const (
	everyElement  = -1
	maxFieldSteps = 16
)

// fieldPart is .key, ."key", [0] or [*].
var fieldPart = regexp.MustCompile(`^(?:\.(?:"([^"]+)"|([^."\[\]]+))|\[(\*|[0-9]{1,4})\])`)

// parseField reads a place such as secureKey, data.secret, "a key.with dots" or
// value[*].clientState.
func parseField(field string) ([]fieldStep, error) {
	rest := field
	if !strings.HasPrefix(rest, "[") {
		rest = "." + rest
	}
	var steps []fieldStep
	for rest != "" {
		part := fieldPart.FindStringSubmatch(rest)
		if part == nil || len(steps) == maxFieldSteps {
			return nil, errors.New("verify.field: is not a place in a body")
		}
		rest = rest[len(part[0]):]
		steps = append(steps, stepOf(part[1]+part[2], part[3]))
	}
	return steps, nil
}

func stepOf(key, index string) fieldStep {
	if index == "" {
		return fieldStep{key: key}
	}
	number, err := strconv.Atoi(index)
	if err != nil {
		number = everyElement // the pattern leaves nothing else
	}
	return fieldStep{list: true, index: number}
}

// formName writes the place as forms do: data.secret is data[secret]. Lists have no name.
func formName(path []fieldStep) string {
	var name strings.Builder
	for i, step := range path {
		switch {
		case step.list:
			return ""
		case i == 0:
			name.WriteString(step.key)
		default:
			name.WriteString("[" + step.key + "]")
		}
	}
	return name.String()
}

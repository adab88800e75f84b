package config

import (
	"math"
	"reflect"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

// wrongType refuses a value whose YAML type only looks right: a quoted "true" is text, an unquoted 007 a number.
// Durations and sizes have a notation of their own and take either.
func wrongType(node *yaml.Node, v reflect.Value) *Problem {
	tag := node.ShortTag()
	switch v.Interface().(type) {
	case time.Duration, Size:
		return nil
	}

	switch {
	case v.Kind() == reflect.String && tag != "!!str":
		return &Problem{Message: "must be text", Fix: "put it in quotes"}
	case v.Kind() == reflect.Bool && tag != "!!bool":
		return &Problem{Message: "must be true or false", Fix: "write true or false, without quotes"}
	case v.Kind() == reflect.Int && tag != "!!int":
		return &Problem{Message: "must be a whole number", Fix: "write digits only, without quotes"}
	case v.Kind() == reflect.Float64 && tag != "!!float" && tag != "!!int":
		return &Problem{Message: "must be a number", Fix: "write a number such as 0.1, without quotes"}
	default:
		return nil
	}
}

// setText parses text in the notation of v's type. It serves the file's values and the tags' alike.
func setText(v reflect.Value, text string) *Problem {
	switch into := v.Addr().Interface().(type) {
	case *time.Duration:
		return setDuration(into, text)
	case *Size:
		return setSize(into, text)
	}

	switch v.Kind() {
	case reflect.String:
		return setString(v, text)
	case reflect.Bool:
		return setBool(v, text)
	case reflect.Int:
		return setInt(v, text)
	case reflect.Float64:
		return setFloat(v, text)
	default: // TestTagsAreValid keeps settings of any other kind out
		return &Problem{Message: "a setting of kind " + v.Kind().String() + " has no notation", Fix: "report this as a bug"}
	}
}

func setString(v reflect.Value, text string) *Problem {
	if text == "" {
		return &Problem{Message: "empty", Fix: "give a value, or remove the key"}
	}
	v.SetString(text)

	return nil
}

func setBool(v reflect.Value, text string) *Problem {
	if text != "true" && text != "false" {
		return &Problem{Message: "must be true or false", Fix: "write it in lower case"}
	}
	v.SetBool(text == "true")

	return nil
}

func setInt(v reflect.Value, text string) *Problem {
	number, err := strconv.ParseInt(text, 10, 0)
	if err != nil {
		return &Problem{Message: quote(text) + " is not a whole number", Fix: "write digits only, such as 8"}
	}
	v.SetInt(number)

	return nil
}

func setFloat(v reflect.Value, text string) *Problem {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(number) {
		return &Problem{Message: quote(text) + " is not a number", Fix: "write a number such as 0.1"}
	}
	v.SetFloat(number)

	return nil
}

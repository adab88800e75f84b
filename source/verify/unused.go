package verify

import (
	"reflect"
	"slices"
	"strings"

	"sever/source"
)

// settings are the names that each type uses, beside type itself.
var settings = map[string]string{ //nolint:gochecknoglobals // fixed table
	"header":         "header secrets challenge_without_secret",
	"basic":          "user secrets",
	"bearer":         "query secrets",
	"api_key":        "header query path field secrets",
	"hmac":           "hash weak secrets " + signedSettings,
	"hash":           "hash weak secrets " + signedSettings,
	"ed25519":        "public_keys " + signedSettings,
	"ecdsa":          "public_keys " + signedSettings,
	"rsa":            "hash weak padding public_keys " + signedSettings,
	"http_signature": "secrets public_keys secret_encoding secret_prefixes covers label timestamp url insecure",
	"jwt":            "jwt secrets public_keys secret_encoding secret_prefixes url",
	"set":            "jwt secrets public_keys secret_encoding secret_prefixes",
	"sns":            "sns",
	"mtls":           "mtls",
	"ip":             "networks insecure",
	"none":           "insecure",
}

const signedSettings = "header encoding prefix list signed timestamp id secret_encoding secret_prefixes labels url insecure"

// unused finds settings that the type makes no use of: whoever wrote them believes that
// they protect something. No setting but type has a default, so any value was written.
func (c Config) unused() []source.Problem {
	kind := c.Type
	if kind == "" {
		kind = "header"
	}
	names, known := settings[kind]
	if !known {
		return nil // checkFixed says so
	}
	used := append(strings.Fields(names), "type")
	var problems []source.Problem
	value := reflect.ValueOf(c)
	for i := range value.NumField() {
		name := value.Type().Field(i).Tag.Get("yaml")
		if !isSet(value.Field(i)) || slices.Contains(used, name) {
			continue
		}
		problems = append(problems, source.Problem{Field: name, Message: "is not used by type " + kind, Fix: "remove it, or change type"})
	}
	return problems
}

func isSet(value reflect.Value) bool {
	if value.Kind() == reflect.Slice {
		return value.Len() > 0
	}
	return !value.IsZero()
}

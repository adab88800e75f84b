package verify

import (
	"encoding/base64"
	"strings"

	"sever/source"
)

// basicCredentials gives "user:password" (RFC 7617). A user name holds no colon, so the
// two are compared as one.
func basicCredentials(req source.Request) (string, error) {
	encoded, err := authorization(req, "Basic")
	if err != nil {
		return "", err
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", errUnreadableSecret // the error would tell what was sent
	}
	return string(decoded), nil
}

// authorization gives what follows the scheme in the only Authorization header. The case
// of the scheme does not count (RFC 9110, section 11.1).
func authorization(req source.Request, scheme string) (string, error) {
	value, err := single(req.Header["Authorization"])
	if err != nil {
		return "", err
	}
	given, credentials, found := strings.Cut(value, " ")
	if !found || !strings.EqualFold(given, scheme) {
		return "", errUnreadableSecret
	}
	return strings.TrimLeft(credentials, " "), nil
}

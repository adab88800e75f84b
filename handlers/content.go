package handlers

import (
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

const jsonType = echo.MIMEApplicationJSON

// checkContent accepts uncompressed JSON in UTF-8 and gives its media type, in
// lower case and without parameters.
func checkContent(header http.Header) (string, error) {
	for _, encoding := range header[echo.HeaderContentEncoding] {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return "", &refusal{
				status: http.StatusUnsupportedMediaType, reason: ReasonContentEncoding,
				detail: "send the body without a Content-Encoding",
			}
		}
	}
	given := header.Get(echo.HeaderContentType)
	if given == jsonType {
		return jsonType, nil // what nearly every sender says, without parsing it
	}
	mediaType, params, err := mime.ParseMediaType(given)
	if err != nil || !isJSONType(mediaType) {
		return "", contentTypeRefusal("send the body as application/json")
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return "", contentTypeRefusal("send the body in UTF-8")
	}
	return mediaType, nil
}

func isJSONType(mediaType string) bool {
	return mediaType == jsonType ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

func contentTypeRefusal(detail string) error {
	return &refusal{status: http.StatusUnsupportedMediaType, reason: ReasonContentType, detail: detail}
}

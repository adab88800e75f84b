package handlers

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sever/source"
)

const jsonType = echo.MIMEApplicationJSON

// anyJSONType in a source's Media stands for every media type that is JSON.
const anyJSONType = "application/*+json"

// checkContent accepts uncompressed text in UTF-8 of the media types that a source
// sends, and gives its media type, in lower case and without parameters.
func checkContent(src source.Source, header http.Header) (string, error) {
	for _, encoding := range header[echo.HeaderContentEncoding] {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return "", &refusal{
				status: http.StatusUnsupportedMediaType, reason: ReasonContentEncoding,
				detail: "send the body without a Content-Encoding",
			}
		}
	}
	given := header.Get(echo.HeaderContentType)
	if given == jsonType && src.Media == nil {
		return jsonType, nil // what nearly every sender says, without parsing it
	}
	mediaType, params, err := mime.ParseMediaType(given)
	if err != nil || !takes(src, mediaType) {
		return "", contentTypeRefusal("send the body as " + strings.Join(mediaOf(src), " or "))
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") {
		return "", contentTypeRefusal("send the body in UTF-8")
	}
	return mediaType, nil
}

func takes(src source.Source, mediaType string) bool {
	if src.Media == nil {
		return isJSONType(mediaType)
	}
	return slices.Contains(src.Media, mediaType) || slices.Contains(src.Media, anyJSONType) && isJSONType(mediaType)
}

func mediaOf(src source.Source) []string {
	if src.Media == nil {
		return []string{jsonType}
	}
	return src.Media
}

func isJSONType(mediaType string) bool {
	return mediaType == jsonType ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

func contentTypeRefusal(detail string) error {
	return &refusal{status: http.StatusUnsupportedMediaType, reason: ReasonContentType, detail: detail}
}

package handshake

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sever/source"
)

const (
	anyOrigin = "*"
	// Names as net/http writes them; the specification's WebHook-... is the same.
	requestOrigin = "Webhook-Request-Origin"
	requestRate   = "Webhook-Request-Rate"
)

// cloudEvents answers the abuse protection of CloudEvents, an OPTIONS that asks whether an
// origin may send, and how often. The WebHook-Request-Callback for a later answer is never
// fetched (https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md).
type cloudEvents struct {
	origins []string // in lower case
	rate    int      // deliveries a minute; 0 if none is stated
}

func newCloudEvents(config Config) cloudEvents {
	c := cloudEvents{rate: config.Rate}
	for _, origin := range config.Origins {
		c.origins = append(c.origins, strings.ToLower(origin))
	}
	return c
}

// Open is true: the check carries no token.
func (cloudEvents) Open() bool { return true }

func (c cloudEvents) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	values := req.Header[requestOrigin]
	if req.Method != http.MethodOptions || len(values) == 0 {
		return no()
	}
	origin, err := single(values)
	if err != nil {
		return refused(err)
	}
	if !originForm.MatchString(origin) {
		return refused(errors.New("the WebHook-Request-Origin is not a host's name"))
	}
	if !slices.Contains(c.origins, strings.ToLower(origin)) && !slices.Contains(c.origins, anyOrigin) {
		return refused(errors.New("this origin may not send here; the operator allows origins in the source's handshake"))
	}
	reply := textReply("")
	reply.Header = map[string]string{"WebHook-Allowed-Origin": origin, "Allow": http.MethodPost}
	if rate := c.allowedRate(req); rate != "" {
		reply.Header["WebHook-Allowed-Rate"] = rate
	}
	return reply, true, nil
}

// allowedRate must be stated where a rate was asked for.
func (c cloudEvents) allowedRate(req source.Request) string {
	switch {
	case c.rate > 0:
		return strconv.Itoa(c.rate)
	case len(req.Header[requestRate]) > 0:
		return "*"
	default:
		return ""
	}
}

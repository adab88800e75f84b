package handshake

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"sever/source"
)

// eventGrid answers Azure Event Grid's SubscriptionValidation by giving its code back. The
// validationUrl of the same event is never fetched: it is a URL from the wire, and the code
// is enough (https://learn.microsoft.com/azure/event-grid/webhook-event-delivery).
type eventGrid struct{}

// Open is false: the event comes with the URL's secret or the token that deliveries have.
func (eventGrid) Open() bool { return false }

func (eventGrid) Answer(_ context.Context, req source.Request) (source.Reply, bool, error) {
	if req.Method != http.MethodPost || !strings.EqualFold(req.Header.Get("Aeg-Event-Type"), "SubscriptionValidation") {
		return no()
	}
	code, ok := validationCode(req.Body)
	if !ok {
		return no()
	}
	if err := printable(code, maxReflected); err != nil {
		return refused(err)
	}
	return jsonReply(struct {
		ValidationResponse string `json:"validationResponse"`
	}{code})
}

// validationCode reads a batch of exactly one event, whose data is the validation's.
func validationCode(body []byte) (string, bool) {
	var batch []json.RawMessage
	if json.Unmarshal(body, &batch) != nil || len(batch) != 1 {
		return "", false
	}
	event, ok := object(batch[0], "id", "topic", "subject", "data", "eventType", "eventTime", "metadataVersion", "dataVersion")
	if !ok {
		return "", false
	}
	if kind, ok := text(event, "eventType"); !ok || kind != "Microsoft.EventGrid.SubscriptionValidationEvent" {
		return "", false
	}
	data, ok := object(event["data"], "validationCode", "validationUrl")
	if !ok {
		return "", false
	}
	return text(data, "validationCode")
}

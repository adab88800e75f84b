package revocation

import (
	"maps"
	"slices"
	"time"
)

// Delivery is one authenticated HTTP request of a source, as it came.
type Delivery struct {
	ID          string    `json:"id"`     // derived from what was sent: a resend has the same id
	Source      string    `json:"source"` // the configured sender
	Received    time.Time `json:"received"`
	ContentType string    `json:"content_type,omitempty"`
	// SenderID is the sender's own id of the delivery, where its verifier knows one.
	SenderID string `json:"sender_id,omitempty"`
	// Headers are those that the source keeps, by canonical name.
	Headers map[string]string `json:"headers,omitempty"`
	// Body is the raw bytes, never re-formatted; a secret that the sender puts into
	// them is taken out.
	Body []byte `json:"body,omitempty"`
	// Redrives counts how often an operator put the delivery back.
	Redrives int `json:"redrives,omitempty"`
}

// NewDelivery names the bytes received from source. It keeps body, not a copy.
func NewDelivery(source, contentType string, body []byte, received time.Time) Delivery {
	return Delivery{Source: source, Received: received, ContentType: contentType, Body: body}.With("", nil)
}

// With adds what came beside the body, which tells deliveries of the same bytes apart, and
// names the delivery.
func (d Delivery) With(senderID string, headers map[string]string) Delivery {
	d.SenderID, d.Headers = senderID, headers
	if senderID == "" && len(headers) == 0 {
		d.ID = deriveID("dlv", []byte(d.Source), d.Body)
		return d
	}
	parts := [][]byte{[]byte(d.Source), d.Body, []byte(senderID)}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		parts = append(parts, []byte(name), []byte(headers[name]))
	}
	d.ID = deriveID("dlv", parts...)
	return d
}

package revocation

import "time"

// Delivery is one authenticated HTTP request of a source, as it came.
type Delivery struct {
	ID          string    `json:"id"`     // derived from source and body: a resend has the same id
	Source      string    `json:"source"` // the configured sender
	Received    time.Time `json:"received"`
	ContentType string    `json:"content_type,omitempty"`
	Body        []byte    `json:"body,omitempty"` // the raw bytes, never re-formatted
	// Redrives counts how often an operator put the delivery back.
	Redrives int `json:"redrives,omitempty"`
}

// NewDelivery names the bytes received from source. It keeps body, not a copy.
func NewDelivery(source, contentType string, body []byte, received time.Time) Delivery {
	return Delivery{
		ID:          deriveID("dlv", []byte(source), body),
		Source:      source,
		Received:    received,
		ContentType: contentType,
		Body:        body,
	}
}

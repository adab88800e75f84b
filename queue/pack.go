package queue

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sever/revocation"
)

// A pack is several deliveries in one JetStream message, so that one fsync serves
// them all. Its form: the version byte 1, then for each delivery the length of its
// header as a varint, the header as JSON, the length of its body, the body as it
// came. A pack of no deliveries is valid: it shows that the stream takes writes.
const packVersion = 1

type packHeader struct {
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Received    time.Time `json:"received"`
	ContentType string    `json:"content_type,omitempty"`
	Redrives    int       `json:"redrives,omitempty"`

	SenderID string            `json:"sender_id,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
}

func appendPackStart(pack []byte) []byte { return append(pack, packVersion) }

func appendDelivery(pack []byte, delivery revocation.Delivery) ([]byte, error) {
	header, err := json.Marshal(packHeader{
		ID: delivery.ID, Source: delivery.Source, Received: delivery.Received,
		ContentType: delivery.ContentType, Redrives: delivery.Redrives,
		SenderID: delivery.SenderID, Headers: delivery.Headers,
	})
	if err != nil {
		return nil, fmt.Errorf("pack delivery %s: %w", delivery.ID, err)
	}
	pack = binary.AppendUvarint(pack, uint64(len(header)))
	pack = append(pack, header...)
	pack = binary.AppendUvarint(pack, uint64(len(delivery.Body)))
	return append(pack, delivery.Body...), nil
}

var errPackCut = errors.New("pack ends in the middle of a delivery")

// unpack reads a pack back. The bodies share the pack's memory.
func unpack(pack []byte) ([]revocation.Delivery, error) {
	if len(pack) == 0 || pack[0] != packVersion {
		return nil, fmt.Errorf("pack does not start with version %d", packVersion)
	}
	rest := pack[1:]
	var deliveries []revocation.Delivery
	for len(rest) > 0 {
		var headerJSON, body []byte
		var err error
		if headerJSON, rest, err = cutField(rest); err != nil {
			return nil, err
		}
		if body, rest, err = cutField(rest); err != nil {
			return nil, err
		}
		var header packHeader
		if err := json.Unmarshal(headerJSON, &header); err != nil {
			return nil, fmt.Errorf("read header of delivery %d in pack: %w", len(deliveries), err)
		}
		deliveries = append(deliveries, revocation.Delivery{
			ID: header.ID, Source: header.Source, Received: header.Received,
			ContentType: header.ContentType, Redrives: header.Redrives, Body: body,
			SenderID: header.SenderID, Headers: header.Headers,
		})
	}
	return deliveries, nil
}

func cutField(data []byte) (field, rest []byte, err error) {
	length, n := binary.Uvarint(data)
	if n <= 0 || length > uint64(len(data)-n) { //nolint:gosec // n is at most len(data)
		return nil, nil, errPackCut
	}
	end := n + int(length) //nolint:gosec // length is at most len(data)
	return data[n:end:end], data[end:], nil
}

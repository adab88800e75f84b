package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sever/queue"
)

// nats checks an external cluster, and creates nothing there.
func (d *doctor) nats(ctx context.Context) {
	cluster := queue.Cluster{
		URL: d.cfg.NATS.URL, Credentials: string(d.cfg.NATS.Credentials), Replicas: d.cfg.NATS.Replicas,
	}
	found, err := queue.Inspect(ctx, cluster, int64(d.cfg.Receive.MaxBody))
	if found.ServerVersion == "" {
		d.fail("nats", "no connection to nats.url: "+err.Error(), natsFix(err))
		return
	}
	if found.TooOld {
		d.fail("nats", "nats-server "+found.ServerVersion+" is too old: it has no message schedules", "upgrade the servers to 2.12 or newer, to 2.15 if you can")
	} else {
		d.ok("nats", "connected to nats-server "+found.ServerVersion)
	}
	d.maxPayload(found)
	switch {
	case found.NoJetStream != nil:
		d.fail("nats jetstream", "does not answer: "+found.NoJetStream.Error(), "enable JetStream on the servers and for this account")
	case err != nil:
		d.fail(checkStreams, err.Error(), "let the user of nats.credentials use JetStream's API")
	default:
		d.streams(found)
	}
}

func natsFix(err error) string {
	if errors.Is(err, queue.ErrNotAllowed) {
		return "give nats.credentials of a user that may connect"
	}
	return "start the servers, or correct nats.url"
}

func (d *doctor) maxPayload(found queue.Inspection) {
	const check = "nats max_payload"
	if found.MaxPayload < found.NeedsPayload {
		d.fail(check, fmt.Sprintf("is %d bytes, but a delivery of receive.max_body needs %d", found.MaxPayload, found.NeedsPayload),
			fmt.Sprintf("set max_payload on the servers to %d or more, or lower receive.max_body", found.NeedsPayload))
		return
	}
	d.ok(check, fmt.Sprintf("is %d bytes, of which a delivery needs %d", found.MaxPayload, found.NeedsPayload))
}

const checkStreams = "nats streams"

// streams tells of what sever makes at its first start.
func (d *doctor) streams(found queue.Inspection) {
	switch {
	case len(found.Missing) == len(found.Streams):
		d.ok(checkStreams, "none yet; the first start makes them")
	case len(found.Missing) > 0:
		d.warn(checkStreams, "missing: "+strings.Join(found.Missing, ", "), "restart sever, which makes them; find out who removed them")
	}
	if len(found.Thin) > 0 {
		d.warn(checkStreams, fmt.Sprintf("fewer copies than nats.replicas (%d): %s", d.cfg.NATS.Replicas, strings.Join(found.Thin, ", ")),
			"restart sever, which changes them")
	}
	if len(found.Missing)+len(found.Thin) == 0 {
		d.ok(checkStreams, strings.Join(found.Streams, ", "))
	}
}

package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sever/source/ssf"
)

// seenTick is how often the running sever is asked whether the verification came.
const seenTick = 250 * time.Millisecond

func (t *streamTask) create(ctx context.Context, poll bool) error {
	request := ssf.StreamRequest{Events: t.settings.Events, Description: "Sever, source " + t.source}
	if len(request.Events) == 0 {
		request.Events = ssf.DefaultEvents()
	}
	if !poll && t.settings.Poll == nil {
		if t.settings.Endpoint == "" {
			return t.missing("endpoint", "https://HOST/v1/hooks/"+t.source+", or create the stream with --poll")
		}
		request.Endpoint, request.Authorization = t.settings.Endpoint, t.settings.Authorization
	}
	stream, err := t.client.Create(ctx, request)
	if err != nil {
		return err
	}
	if t.json {
		return t.cli.printJSON(stream)
	}
	t.printCreated(stream)
	return nil
}

// printCreated says what to write into the configuration: without it the receiver knows
// neither the audience nor the keys of what will come.
func (t *streamTask) printCreated(stream ssf.Stream) {
	out, metadata := t.cli.out, t.client.Metadata()
	fmt.Fprintf(out, "%s: created stream %s\n", t.source, printable(stream.ID))
	t.printEvents(stream)
	fmt.Fprintf(out, "now write this under sources.%s, and then run `sever ssf stream verify %s`:\n", t.source, t.source)
	fmt.Fprintf(out, "  ssf:\n    stream_id: %q\n", stream.ID)
	if stream.Method == ssf.MethodPoll {
		fmt.Fprintf(out, "    poll: {url: %q}\n", stream.Endpoint)
	}
	audience := make([]string, len(stream.Audience))
	for i, one := range stream.Audience {
		audience[i] = fmt.Sprintf("%q", one)
	}
	fmt.Fprintf(out, "  verify:\n    jwt: {issuer: %q, audience: [%s], jwks: %q}\n", metadata.Issuer, strings.Join(audience, ", "), metadata.JWKS)
	if metadata.DefaultSubjects == "NONE" {
		fmt.Fprintln(out, "note: this transmitter sends nothing until people are added to the stream on its side (default_subjects is NONE)")
	}
}

func (t *streamTask) printEvents(stream ssf.Stream) {
	for _, event := range stream.Delivered {
		fmt.Fprintf(t.cli.out, "  delivers %s\n", printable(event))
	}
	if len(stream.Delivered) == 0 {
		fmt.Fprintln(t.cli.out, "  it does not say which events it delivers")
	}
}

// streamReport is a stream with its status.
type streamReport struct {
	ssf.Stream
	ssf.Status
}

func (t *streamTask) status(ctx context.Context, id string) error {
	streams, err := t.streams(ctx, cmp.Or(id, t.settings.StreamID))
	if err != nil {
		return err
	}
	reports := make([]streamReport, len(streams))
	for i, stream := range streams {
		reports[i].Stream = stream
		if reports[i].Status, err = t.client.Status(ctx, stream.ID); err != nil {
			return err
		}
	}
	if t.json {
		return t.cli.printJSON(reports)
	}
	for _, report := range reports {
		fmt.Fprintf(t.cli.out, "%s: stream %s is %s (reason: %s)\n  %s %s\n", t.source, printable(report.ID), report.Status.Status,
			printable(report.Reason), printable(report.Method), printable(report.Endpoint))
		t.printEvents(report.Stream)
	}
	if len(reports) == 0 {
		fmt.Fprintf(t.cli.out, "%s: the transmitter has no stream for this token; `sever ssf stream create %s` makes one\n", t.source, t.source)
	}
	return nil
}

// streams gives the stream id, or all there are.
func (t *streamTask) streams(ctx context.Context, id string) ([]ssf.Stream, error) {
	if id == "" {
		return t.client.List(ctx)
	}
	stream, err := t.client.Get(ctx, id)
	return []ssf.Stream{stream}, err
}

// known is the stream that --stream or the configuration names.
func (t *streamTask) known(id string) (string, error) {
	if id = cmp.Or(id, t.settings.StreamID); id == "" {
		return "", t.missing("stream_id", "it there or by --stream; `sever ssf stream status "+t.source+"` lists what there is")
	}
	return id, nil
}

func (t *streamTask) verify(ctx context.Context, admin *adminClient, id string, wait time.Duration) error {
	id, err := t.known(id)
	if err != nil {
		return err
	}
	state, states := rand.Text(), "/api/v1/sources/"+url.PathEscape(t.source)+"/ssf/states"
	if err := admin.do(ctx, http.MethodPost, states, map[string]string{"state": state}, nil); err != nil {
		return err
	}
	started := time.Now()
	if err := t.client.Verify(ctx, id, state); err != nil {
		return err
	}
	if err := awaitSeen(ctx, admin, states+"/"+state, wait); err != nil {
		return err
	}
	took := time.Since(started).Round(time.Millisecond)
	if t.json {
		return t.cli.printJSON(map[string]any{"stream_id": id, "verified": true, "took": took.String()})
	}
	fmt.Fprintf(t.cli.out, "%s: verified; the event came %s after it was asked for\n", t.source, took)
	return nil
}

// awaitSeen waits until the running sever has had the verification event.
func awaitSeen(ctx context.Context, admin *adminClient, path string, wait time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("the transmitter took the request, but no verification event of it was accepted within %s: "+
		"if the running sever's log shows a refusal, mend what it names; if it shows nothing, the transmitter cannot reach it", wait))
	defer cancel()
	tick := time.NewTicker(seenTick)
	defer tick.Stop()
	for {
		var answer struct {
			Seen bool `json:"seen"`
		}
		err := admin.do(ctx, http.MethodGet, path, nil, &answer)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case answer.Seen:
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (t *streamTask) delete(ctx context.Context, id string) error {
	id, err := t.known(id)
	if err != nil {
		return err
	}
	if err := t.client.Delete(ctx, id); err != nil {
		return err
	}
	if t.json {
		return t.cli.printJSON(map[string]any{"stream_id": id, "deleted": true})
	}
	fmt.Fprintf(t.cli.out, "%s: deleted stream %s; remove ssf.stream_id from the configuration\n", t.source, printable(id))
	return nil
}

package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/labstack/echo/v4"
)

const (
	// smallestBody is the least memory that is set aside for a body.
	smallestBody = 4 << 10
	// presizeLimit is how much memory a Content-Length alone may claim, before any
	// byte of the body has come.
	presizeLimit = 256 << 10
	// pooledLimit keeps one huge delivery from holding its memory for good.
	pooledLimit = 512 << 10
)

// body is one delivery's bytes in memory that is lent by buffers.
type body struct{ bytes []byte }

// readBody reads a body of at most limit bytes. The connection's read deadline
// bounds how long that may take; see Server.
func (r *receiver) readBody(c echo.Context, limit int64) (*body, error) {
	req := c.Request()
	if req.ContentLength > limit {
		return nil, tooLarge(limit, nil)
	}
	// The bare writer, and not Echo's, lets net/http close the connection of a sender
	// that goes on sending after the limit.
	limited := http.MaxBytesReader(c.Response().Writer, req.Body, limit)
	read := r.buffers.get(req.ContentLength)
	if err := read.fill(limited); err != nil {
		r.buffers.put(read)
		return nil, bodyRefusal(limit, err)
	}
	return read, nil
}

func bodyRefusal(limit int64, err error) error {
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return tooLarge(limit, err)
	}
	// Not 408: Okta sends a delivery once more after a 5xx and never after a 4xx, and
	// which side was slow cannot be told from here.
	return &refusal{
		status: http.StatusServiceUnavailable, reason: ReasonSlowBody,
		detail: "the body did not arrive whole and in time",
		cause:  err,
	}
}

func tooLarge(limit int64, cause error) error {
	return &refusal{
		status: http.StatusRequestEntityTooLarge, reason: ReasonTooLarge,
		detail: fmt.Sprintf("the body is larger than %d bytes", limit), cause: cause,
	}
}

// fill reads to the end of reader.
func (b *body) fill(reader io.Reader) error {
	for {
		b.bytes = slices.Grow(b.bytes, bytes.MinRead)
		n, err := reader.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the body: %w", err)
		}
	}
}

// buffers lends the memory that bodies are read into.
type buffers struct{ pool sync.Pool }

// get lends an empty body with room for size bytes, if size is known and sane.
func (p *buffers) get(size int64) *body {
	lent, ok := p.pool.Get().(*body)
	if !ok {
		lent = &body{}
	}
	room := min(max(size, smallestBody), presizeLimit)
	// Room for one more read beyond size, which is the one that finds the end.
	lent.bytes = slices.Grow(lent.bytes[:0], int(room)+bytes.MinRead)
	return lent
}

// put takes a body back. Nobody may hold its bytes any more.
func (p *buffers) put(lent *body) {
	if cap(lent.bytes) <= pooledLimit {
		p.pool.Put(lent)
	}
}

package handlers_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sever/handlers"
	"sever/revocation"
)

func TestDeliveryIsStoredThenAccepted(t *testing.T) {
	t.Parallel()
	for path, status := range map[string]int{oktaHook: http.StatusNoContent, hrHook: http.StatusAccepted} {
		b := setup(t, func(c *handlers.ReceiveConfig) { c.Now = fixedClock })
		resp := b.serve(delivery(path, jsonBody))

		require.Equal(t, status, resp.StatusCode)
		require.Empty(t, bodyOf(t, resp))
		name := strings.TrimPrefix(path, "/v1/hooks/")
		want := revocation.NewDelivery(name, "application/json", []byte(jsonBody), fixedClock())
		require.Equal(t, []revocation.Delivery{want}, b.log.stored())
		require.Equal(t, []revocation.Event{{
			Step: revocation.StepAccepted, Stage: "receive", At: fixedClock(), Source: name,
			Request: resp.Header.Get(requestHdr), Delivery: want.ID, Bytes: len(jsonBody),
		}}, b.events.all())
		require.Empty(t, b.logs.String())
	}
}

func TestContentThatIsAccepted(t *testing.T) {
	t.Parallel()
	for given, kept := range map[string]string{
		"application/json":                           "application/json",
		"application/json; charset=utf-8":            "application/json",
		"Application/JSON;charset=UTF-8":             "application/json",
		"application/cloudevents+json":               "application/cloudevents+json",
		"application/scim+json; profile=\"x; y\"":    "application/scim+json",
		"application/cloudevents-batch+json; a=\"\"": "application/cloudevents-batch+json",
	} {
		b := setup(t)
		resp := b.serve(delivery(oktaHook, jsonBody, with("Content-Type", given), with("Content-Encoding", "Identity")))
		require.Equal(t, http.StatusNoContent, resp.StatusCode, given)
		require.Equal(t, kept, b.log.stored()[0].ContentType)
	}
}

// brokenReader fails as a connection does.
type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

func TestEveryRefusalOfADelivery(t *testing.T) {
	t.Parallel()
	const limit = 100
	tests := map[string]struct {
		req    *http.Request
		status int
		reason string
		detail string
		source string // as observed
		header map[string]string
	}{
		"unknown source": {
			req: delivery("/v1/hooks/nobody", jsonBody), status: 404,
			reason: handlers.ReasonUnknownSource, detail: "there is no such source",
		},
		"unknown source, other method": {
			req: delivery("/v1/hooks/nobody", "", method("DELETE")), status: 404,
			reason: handlers.ReasonUnknownSource, detail: "there is no such source",
		},
		"more path after the source": {
			req: delivery(oktaHook+"/more", jsonBody), status: 404,
			reason: handlers.ReasonUnknownSource, detail: "there is no such source",
		},
		"escaped source": {
			req: delivery("/v1/hooks/okt%61", jsonBody), status: 404,
			reason: handlers.ReasonUnknownSource, detail: "there is no such source",
		},
		"no source": {
			req: delivery("/v1/hooks/", jsonBody), status: 404,
			reason: handlers.ReasonUnknownSource, detail: "there is nothing at this path",
		},
		"unknown route": {
			req: delivery("/<script>", jsonBody), status: 404,
			reason: handlers.ReasonUnknownSource, detail: "there is nothing at this path",
		},
		"wrong secret": {
			req: delivery(oktaHook, jsonBody, with("Authorization", "guess")), status: 401,
			reason: handlers.ReasonUnauthenticated, source: "okta",
		},
		"no secret": {
			req: delivery(oktaHook, jsonBody, without("Authorization")), status: 401,
			reason: handlers.ReasonUnauthenticated, source: "okta",
		},
		"a stranger's bad content is still only unauthenticated": {
			req: delivery(oktaHook, strings.Repeat("x", limit+1), without("Authorization"), with("Content-Type", "text/plain")), status: 401,
			reason: handlers.ReasonUnauthenticated, source: "okta",
		},
		"compressed": {
			req: delivery(oktaHook, jsonBody, with("Content-Encoding", "gzip")), status: 415,
			reason: handlers.ReasonContentEncoding, source: "okta", detail: "send the body without a Content-Encoding",
		},
		"compressed as a second header line": {
			req: delivery(oktaHook, jsonBody, func(req *http.Request) {
				req.Header["Content-Encoding"] = []string{"identity", "br"}
			}), status: 415,
			reason: handlers.ReasonContentEncoding, source: "okta", detail: "send the body without a Content-Encoding",
		},
		"no content type": {
			req: delivery(oktaHook, jsonBody, without("Content-Type")), status: 415,
			reason: handlers.ReasonContentType, source: "okta", detail: "send the body as application/json",
		},
		"form": {
			req: delivery(oktaHook, jsonBody, with("Content-Type", "application/x-www-form-urlencoded")), status: 415,
			reason: handlers.ReasonContentType, source: "okta", detail: "send the body as application/json",
		},
		"json in name only": {
			req: delivery(oktaHook, jsonBody, with("Content-Type", "text/x+json")), status: 415,
			reason: handlers.ReasonContentType, source: "okta", detail: "send the body as application/json",
		},
		"unreadable content type": {
			req: delivery(oktaHook, jsonBody, with("Content-Type", "application/json; charset")), status: 415,
			reason: handlers.ReasonContentType, source: "okta", detail: "send the body as application/json",
		},
		"other charset": {
			req: delivery(oktaHook, jsonBody, with("Content-Type", "application/json; charset=utf-16")), status: 415,
			reason: handlers.ReasonContentType, source: "okta", detail: "send the body in UTF-8",
		},
		"announced as too large": {
			req: delivery(oktaHook, strings.Repeat("1", limit+1)), status: 413,
			reason: handlers.ReasonTooLarge, source: "okta", detail: "the body is larger than 100 bytes",
		},
		"found too large": {
			req: delivery(oktaHook, strings.Repeat("1", limit+1), chunked), status: 413,
			reason: handlers.ReasonTooLarge, source: "okta", detail: "the body is larger than 100 bytes",
		},
		"cut off": {
			req: delivery(oktaHook, "", broken(io.ErrUnexpectedEOF)), status: 503,
			reason: handlers.ReasonSlowBody, source: "okta", detail: "the body did not arrive whole and in time",
		},
		"empty": {
			req: delivery(oktaHook, ""), status: 400,
			reason: handlers.ReasonEmpty, source: "okta", detail: "the body is empty",
		},
		"empty, length not announced": {
			req: delivery(oktaHook, "", chunked), status: 400,
			reason: handlers.ReasonEmpty, source: "okta", detail: "the body is empty",
		},
		"DELETE": {
			req: delivery(oktaHook, "", method("DELETE")), status: 405,
			reason: handlers.ReasonMethod, source: "okta", detail: "use one of the methods in Allow",
			header: map[string]string{"Allow": "GET, OPTIONS, POST"},
		},
		"HEAD": {
			req: delivery(oktaHook, "", method("HEAD")), status: 405,
			reason: handlers.ReasonMethod, source: "okta", detail: "use one of the methods in Allow",
			header: map[string]string{"Allow": "GET, OPTIONS, POST"},
		},
		"PUT where there is no handshake": {
			req: delivery(hrHook, jsonBody, method("PUT")), status: 405,
			reason: handlers.ReasonMethod, source: "hr", detail: "use one of the methods in Allow",
			header: map[string]string{"Allow": "POST"},
		},
		"a method nobody knows": {
			req: delivery(hrHook, "", method("BREW")), status: 405,
			reason: handlers.ReasonMethod, source: "hr", detail: "use one of the methods in Allow",
			header: map[string]string{"Allow": "POST"},
		},
		"panic": {
			req: delivery(oktaHook, jsonBody, with("Authorization", "panic")), status: 500,
			reason: handlers.ReasonPanic, source: "okta",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *handlers.ReceiveConfig) { c.MaxBody = limit })
			resp := b.serve(test.req)

			require.Equal(t, test.detail, requireProblem(t, resp, test.status).Detail)
			require.Empty(t, resp.Header.Get("WWW-Authenticate"))
			for key, value := range test.header {
				require.Equal(t, value, resp.Header.Get(key))
			}
			require.Empty(t, b.log.stored(), "nothing is stored")
			events := b.events.all()
			require.Len(t, events, 1)
			require.Equal(t, revocation.StepRefused, events[0].Step)
			require.Equal(t, "receive", events[0].Stage)
			require.Equal(t, test.reason, events[0].Reason)
			require.Equal(t, test.source, events[0].Source)
			require.Equal(t, resp.Header.Get(requestHdr), events[0].Request)
			require.Equal(t, test.reason == handlers.ReasonPanic, b.logs.String() != "", "only a panic is logged")
		})
	}
}

func chunked(req *http.Request) { req.ContentLength = -1 }

func broken(err error) func(*http.Request) {
	return func(req *http.Request) {
		req.Body, req.ContentLength = io.NopCloser(brokenReader{err: err}), -1
	}
}

func TestBodyThatIsNotJSONIsKept(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"not json", " ", `{"a":1} trailing`, "\xff", `{"a":`} {
		b := setup(t)
		problem := requireProblem(t, b.serve(delivery(oktaHook, body)), http.StatusBadRequest)

		require.Equal(t, "body is not valid JSON; it was kept as a dead letter for the operator", problem.Detail)
		require.Len(t, b.log.stored(), 1)
		require.Equal(t, []byte(body), b.log.stored()[0].Body)
		events := b.events.all()
		require.Len(t, events, 2)
		require.Equal(t, revocation.StepAccepted, events[0].Step)
		require.Equal(t, revocation.StepRefused, events[1].Step)
		require.Equal(t, handlers.ReasonNotReadable, events[1].Reason)
	}
}

func TestBodyThatCannotBeStoredIsAskedForAgain(t *testing.T) {
	t.Parallel()
	// Whatever went wrong, and however bad the body: the trouble is ours.
	for _, body := range []string{jsonBody, "not json"} {
		b := setup(t)
		b.log.err = errors.New("disk full at /secret/place")
		resp := b.serve(delivery(oktaHook, body))

		problem := requireProblem(t, resp, http.StatusServiceUnavailable)
		require.Equal(t, "the delivery could not be stored; send it again", problem.Detail)
		require.Equal(t, "1", resp.Header.Get("Retry-After"))
		events := b.events.all()
		require.Len(t, events, 1)
		require.Equal(t, handlers.ReasonNotStored, events[0].Reason)
		require.ErrorIs(t, events[0].Err, b.log.err)
	}
}

func TestAppendHasADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.log.before = func(ctx context.Context) { <-ctx.Done() }
		b.log.err = context.DeadlineExceeded
		began := time.Now()
		requireProblem(t, b.serve(delivery(oktaHook, jsonBody)), http.StatusServiceUnavailable)
		require.Equal(t, 1500*time.Millisecond, time.Since(began))
	})
}

// slowReader gives its text after a while.
type slowReader struct {
	after time.Duration
	text  io.Reader
}

func (r *slowReader) Read(p []byte) (int, error) {
	<-time.After(r.after)
	r.after = 0
	return r.text.Read(p)
}

func TestSlowBodyLeavesLessTimeToAppend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		b.log.before = func(ctx context.Context) { <-ctx.Done() }
		b.log.err = context.DeadlineExceeded
		began := time.Now()
		req := delivery(oktaHook, "", func(req *http.Request) {
			req.Body = io.NopCloser(&slowReader{after: 1200 * time.Millisecond, text: strings.NewReader(jsonBody)})
			req.ContentLength = int64(len(jsonBody))
		})
		requireProblem(t, b.serve(req), http.StatusServiceUnavailable)
		require.Equal(t, 2*time.Second, time.Since(began))
	})
}

func TestReceivedIsWhenTheBodyIsWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		whole := time.Now().Add(time.Second)
		req := delivery(oktaHook, "", func(req *http.Request) {
			req.Body = io.NopCloser(&slowReader{after: time.Second, text: strings.NewReader(jsonBody)})
		})
		require.Equal(t, http.StatusNoContent, b.serve(req).StatusCode)
		require.True(t, b.log.stored()[0].Received.Equal(whole))
	})
}

func TestSenderThatHangsUpDoesNotStopTheAppend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.log.before = func(appendCtx context.Context) {
		cancel()
		b.log.err = appendCtx.Err()
	}
	resp := b.serve(delivery(oktaHook, jsonBody).WithContext(ctx))
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.Len(t, b.log.stored(), 1)
}

func TestPanicIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.log.before = func(context.Context) {
		nothing := make([]int, len(b.log.stored()))
		_ = nothing[3]
	}
	requireProblem(t, b.serve(delivery(oktaHook, jsonBody)), http.StatusInternalServerError)
	require.Contains(t, b.logs.String(), "index out of range [3]")
	require.Contains(t, b.logs.String(), "memoryLog")

	b.log.before = nil
	require.Equal(t, http.StatusNoContent, b.serve(delivery(oktaHook, jsonBody)).StatusCode, "the next one is served")
}

func TestAbortIsLeftToTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.log.before = func(context.Context) { panic(http.ErrAbortHandler) }
	require.PanicsWithError(t, http.ErrAbortHandler.Error(), func() { b.serve(delivery(oktaHook, jsonBody)) })
	require.Empty(t, b.logs.String())
}

func TestRequestIDsAreOursAndUnique(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := make(map[string]bool)
	for _, req := range []*http.Request{
		delivery(oktaHook, jsonBody), delivery(oktaHook, jsonBody), delivery(oktaHook, ""),
		delivery("/nowhere", ""), delivery(oktaHook, "", method("PUT")),
		delivery(oktaHook, jsonBody, with("Authorization", "panic")),
	} {
		req.Header.Set(requestHdr, "chosen-by-the-sender")
		resp := b.serve(req)
		require.Len(t, resp.Header[requestHdr], 1)
		id := resp.Header.Get(requestHdr)
		require.NotEmpty(t, id)
		require.NotContains(t, id, "chosen")
		require.False(t, seen[id])
		seen[id] = true
	}
}

package app_test

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sever/revocation"
)

// mostBody is the largest delivery that is taken.
const mostBody = 4 << 20

// filled repeats a part between a start and an end up to the largest body.
func filled(start, part, end string) []byte {
	repeats := (mostBody - len(start) - len(end)) / len(part)
	return []byte(start + strings.Repeat(part, repeats) + end)
}

// manyKeys is one object with as many different keys as fit.
func manyKeys() []byte {
	var body bytes.Buffer
	body.WriteString(`{"data":{"events":[]}`)
	for i := 0; body.Len() < mostBody-16; i++ {
		fmt.Fprintf(&body, `,"%x":0`, i)
	}
	body.WriteString("}")
	return body.Bytes()
}

// Deliveries whose sender holds the secret and means harm, or has a bug. Not
// parallel: what it measures is the memory of the whole process.
//
//nolint:paralleltest // see above
func TestHostileDeliveriesAreAnsweredWithinBounds(t *testing.T) {
	const nested = 9000 // as deep as encoding/json goes
	r := newRig(t, settings{})
	hostile := []struct {
		name   string
		body   []byte
		status int
		dead   bool
	}{
		{"nested beyond what JSON readers take", filled("", "[", ""), http.StatusBadRequest, true},
		{"nested and closed", []byte(strings.Repeat("[", nested) + strings.Repeat("]", nested)), http.StatusNoContent, true},
		{"nested inside an event", []byte(`{"data":{"events":[{"eventType":"user.lifecycle.suspend","x":` +
			strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200) + "}]}}"), http.StatusNoContent, true},
		{"many small arrays", filled("[[]", ",[]", "]"), http.StatusNoContent, true},
		{"one string", filled(`"`, "a", `"`), http.StatusNoContent, true},
		{"one number", filled("", "9", ""), http.StatusNoContent, true},
		{"a string as the person", filled(`{"data":{"events":[{"uuid":"u","eventType":"user.lifecycle.suspend","outcome":{"result":"SUCCESS"},`+
			`"target":[{"type":"User","id":"`, "0", `"}]}]}}`), http.StatusNoContent, true},
		{"many keys", manyKeys(), http.StatusNoContent, false},
		{"a key given twice", []byte(`{"data":{"events":[]},"data":{"events":[]}}`), http.StatusNoContent, true},
		{"the person given twice", bytes.Replace(suspension(person(1), "twice"), []byte(`"id":"`+person(1)+`"`),
			[]byte(`"id":"`+person(1)+`","ID":"`+person(2)+`"`), 2), http.StatusNoContent, true},
		{"invalid UTF-8", bytes.Replace(suspension(person(1), "utf"), []byte("Practice Person"), []byte("P\xff\xfe"), 1), http.StatusNoContent, true},
		{"cut off", suspension(person(1), "cut")[:200], http.StatusBadRequest, true},
		{"more behind it", append(suspension(person(1), "behind"), "{}"...), http.StatusBadRequest, true},
		{"null", []byte("null"), http.StatusNoContent, true},
		{"no events", []byte(`{"data":{}}`), http.StatusNoContent, true},
		{"empty", nil, http.StatusBadRequest, false},
		{"a space", []byte(" "), http.StatusBadRequest, true},
	}
	before := heap()
	dead := 0
	for _, sent := range hostile {
		began := time.Now()
		require.Equal(t, sent.status, r.post(sent.body).status, sent.name)
		if sent.dead {
			dead++
			r.seen.await(t, step(revocation.StepDeadLetter), dead)
		}
		t.Logf("%-40s %8d bytes %s", sent.name, len(sent.body), time.Since(began).Round(time.Millisecond))
	}
	// The last delivery is worked on behind all others: they hold up nothing.
	r.deliver(suspension(person(3), "last"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	require.Equal(t, map[string]int{person(3): 1}, callsFor(r.calls()))
	require.Less(t, heap()-before, int64(512<<20), "bytes taken from the system")
	require.Len(t, r.letters(), dead)
}

// heap is how much memory the heap ever had at once.
func heap() int64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapSys)
}

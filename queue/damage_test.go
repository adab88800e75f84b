package queue

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"sever/revocation"
)

const damagedEach = 20 // what the damaged store holds in DELIVERIES and JOBS; twice as much in the ledger

// filledStore is a real store that was closed in order, half of its log dispatched.
func filledStore(t *testing.T) Config {
	t.Helper()
	settings := config(t)
	q, err := Open(t.Context(), settings)
	require.NoError(t, err)
	book := ledger(t, q)
	log := q.DeliveryLog(soon, 1<<20)
	reader, err := q.LogReader(t.Context())
	require.NoError(t, err)
	for i := range damagedEach {
		if i == damagedEach/2 {
			readUntil(t, reader, strconv.Itoa(i-1))
		}
		require.NoError(t, log.Append(t.Context(), delivery(strconv.Itoa(i))))
		one := job(strconv.Itoa(i), revocation.LaneHigh)
		publishJobs(t, q, one)
		commit(t, book, finished(one, "00u"+strconv.Itoa(i), start))
	}
	log.Close()
	reader.Close()
	require.NoError(t, q.Close())
	return settings
}

// damaged is a stream's folder.
type damaged struct {
	t   *testing.T
	dir string
}

func (d damaged) path(elem ...string) string {
	return filepath.Join(append([]string{d.dir}, elem...)...)
}

// cut takes the last bytes from the file of messages.
func (d damaged) cut() {
	d.t.Helper()
	info, err := os.Stat(d.path("msgs", "1.blk"))
	require.NoError(d.t, err)
	require.NoError(d.t, os.Truncate(d.path("msgs", "1.blk"), max(0, info.Size()-3)))
}

// flip changes a bit in the middle, and makes nats-server read the file as after a kill.
func (d damaged) flip() {
	d.t.Helper()
	data, err := os.ReadFile(d.path("msgs", "1.blk"))
	require.NoError(d.t, err)
	data[len(data)/2] ^= 0x10
	require.NoError(d.t, os.WriteFile(d.path("msgs", "1.blk"), data, 0o600))
	d.remove("msgs", "index.db")
}

func (d damaged) remove(elem ...string) {
	d.t.Helper()
	require.NoError(d.t, os.RemoveAll(d.path(elem...)))
}

func (d damaged) garbage(elem ...string) {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(d.path(elem...), []byte("this is no file of nats-server"), 0o600))
}

func TestDamagedStoreStartsAndSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	const missing = "messages are missing from the store"
	whole := filledStore(t)
	dispatchFolder := []string{"obs", consumerDispatch}
	for _, c := range []struct {
		name, stream string
		harm         func(damaged)
		kept         uint64   // messages
		says         []string // at level error; nothing at all when empty
	}{
		{"whole", streamDeliveries, func(damaged) {}, 20, nil},
		{"tail of the log", streamDeliveries, func(d damaged) { d.cut() }, 19, []string{missing, "stream=DELIVERIES missing=1 from=20 to=20", "ask the senders"}},
		{"tail of the log, no index", streamDeliveries, func(d damaged) { d.cut(); d.remove("msgs", "index.db") }, 19, []string{missing, "missing=1 from=20 to=20", "stored_after=", "stored_before="}},
		{"all of the log's file", streamDeliveries, func(d damaged) { d.remove("msgs", "1.blk") }, 0, []string{missing, "missing=20 from=1 to=20"}},
		{"flipped bit in the log", streamDeliveries, func(d damaged) { d.flip() }, 10, []string{missing, "missing=10 from=11 to=20"}},
		{"log's index gone", streamDeliveries, func(d damaged) { d.remove("msgs", "index.db") }, 20, nil},
		{"log's index garbage", streamDeliveries, func(d damaged) { d.garbage("msgs", "index.db") }, 20, nil},
		{"log's settings gone", streamDeliveries, func(d damaged) { d.remove("meta.inf") }, 20, []string{"Missing stream metafile"}},
		{"log's settings garbage", streamDeliveries, func(d damaged) { d.garbage("meta.inf") }, 20, []string{"checksums do not match"}},
		{"log's checksum gone", streamDeliveries, func(d damaged) { d.remove("meta.sum") }, 20, []string{"Missing stream checksum"}},
		{"log's folder gone", streamDeliveries, func(d damaged) { d.remove() }, 0, []string{missing, "missing=20 from=1 to=20"}},
		{"reader's place garbage", streamDeliveries, func(d damaged) { d.garbage("obs", consumerDispatch, "o.dat") }, 20, []string{"the place of a reader is damaged", "consumer=dispatch"}},
		{"reader's place gone", streamDeliveries, func(d damaged) { d.remove(append(dispatchFolder, "o.dat")...) }, 20, nil},
		{"reader's settings gone", streamDeliveries, func(d damaged) { d.remove(append(dispatchFolder, "meta.inf")...) }, 20, []string{"Missing consumer metafile"}},
		{"reader's settings garbage", streamDeliveries, func(d damaged) { d.garbage(append(dispatchFolder, "meta.inf")...) }, 20, []string{"Error unmarshalling consumer metafile"}},
		{"reader's checksum gone", streamDeliveries, func(d damaged) { d.remove(append(dispatchFolder, "meta.sum")...) }, 20, []string{"Missing consumer checksum"}},
		{"lock gone", streamDeliveries, func(d damaged) { d.remove("..", "..", "..", "..", lockFile) }, 20, nil},
		{"tail of the jobs", streamJobs, func(d damaged) { d.cut() }, 19, []string{missing, "stream=JOBS missing=1 from=20 to=20", "sever deliveries replay --since 20"}},
		{"flipped bit in the jobs", streamJobs, func(d damaged) { d.flip() }, 10, []string{missing, "missing=10 from=11 to=20"}},
		{"jobs' folder gone", streamJobs, func(d damaged) { d.remove() }, 0, []string{missing, "stream=JOBS missing=20"}},
		{"a lane's place garbage", streamJobs, func(d damaged) { d.garbage("obs", "work-acme-high", "o.dat") }, 20, []string{"the place of a reader is damaged", "consumer=work-acme-high"}},
		{"tail of the ledger", streamOf(bucketLedger), func(d damaged) { d.cut() }, 39, []string{missing, "stream=KV_LEDGER missing=1", "replay no deliveries"}},
		{"ledger's folder gone", streamOf(bucketLedger), func(d damaged) { d.remove() }, 0, []string{missing, "stream=KV_LEDGER missing=40"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := whole
			settings.Dir = filepath.Join(t.TempDir(), "store")
			require.NoError(t, os.CopyFS(settings.Dir, os.DirFS(whole.Dir)))
			var told bytes.Buffer
			settings.Logger = slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelError}))
			c.harm(damaged{t, filepath.Join(settings.Dir, "jetstream", "$G", "streams", c.stream)})

			q, err := Open(t.Context(), settings)
			require.NoError(t, err)

			require.Equal(t, c.kept, streamInfo(t, q, c.stream).State.Msgs)
			if c.stream == streamDeliveries {
				works(t, q)
			}
			require.NoError(t, q.Close())
			for _, words := range c.says {
				require.Contains(t, told.String(), words)
			}
			if len(c.says) == 0 {
				require.Empty(t, told.String())
			}

			told.Reset()
			q, err = Open(t.Context(), settings)
			require.NoError(t, err)
			require.NoError(t, q.Close())
			require.Empty(t, told.String(), "what was told is not told again")
		})
	}
}

// Bytes that changed while the index is whole are found when they are read. nats-server then cuts off
// the rest of that file, without a word; the next look tells.
func TestWhatIsFoundDamagedLaterIsSaidToo(t *testing.T) {
	t.Parallel()
	settings := filledStore(t)
	file := filepath.Join(settings.Dir, "jetstream", "$G", "streams", streamDeliveries, "msgs", "1.blk")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	data[len(data)*7/10] ^= 0x10 // in the half that is not dispatched
	require.NoError(t, os.WriteFile(file, data, 0o600))
	var told bytes.Buffer
	settings.Logger = slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelError}))

	q := openWith(t, settings)
	seen, err := readContents(settings.Dir) // as Open saw it
	require.NoError(t, err)
	stream, err := q.js.Stream(t.Context(), streamDeliveries)
	require.NoError(t, err)
	for seq := uint64(1); err == nil; seq++ {
		_, err = stream.GetMsg(t.Context(), seq)
	}
	require.ErrorIs(t, err, jetstream.ErrMsgNotFound)
	seen = q.lookAgain(t.Context(), seen)
	// nats-server may have read it in the background before Open looked: then Open has told.
	require.Equal(t, 1, strings.Count(told.String(), "messages are missing"))
	require.Regexp(t, `messages are missing from the store.* stream=DELIVERIES missing=\d from=1\d to=20 stored_after=\S+ stored_before=\S+ do="ask the senders`, told.String())
	told.Reset()
	q.lookAgain(t.Context(), seen)
	require.Empty(t, told.String(), "said once")
}

func TestAReadersPlace(t *testing.T) {
	t.Parallel()
	p := place{next: 7}
	require.NoError(t, p.reach(7, start))
	require.NoError(t, p.reach(8, start))
	require.NoError(t, p.reach(7, start), "once more, after a hand-back")
	require.ErrorContains(t, p.reach(12, start), "3 entries of the log (sequence 9 to 11)")
	require.NoError(t, p.reach(13, start))
	unknown := place{}
	require.NoError(t, unknown.reach(40, start))
	require.NoError(t, unknown.reach(50, start))
}

// works shows that the log takes a delivery and hands it out.
func works(t *testing.T, q *Queue) {
	t.Helper()
	log := q.DeliveryLog(soon, 1<<20)
	require.NoError(t, log.Append(t.Context(), delivery("after the damage")))
	log.Close()
	reader, err := q.LogReader(t.Context())
	require.NoError(t, err)
	defer reader.Close()
	readUntil(t, reader, "after the damage")
}

func TestDamageIsNotWhatAgeRemoved(t *testing.T) {
	t.Parallel()
	held := func(first, last, messages uint64, from time.Time) streamContents {
		return streamContents{First: first, Last: last, Messages: messages, FirstTime: from, LastTime: from.Add(time.Hour)}
	}
	was := held(1, 20, 20, start)
	young, old := start.Add(2*time.Hour), start.Add(25*time.Hour)
	require.Empty(t, losses(streamJobs, was, held(11, 20, 10, start), 24*time.Hour, old))
	require.Empty(t, losses(streamJobs, was, held(21, 20, 0, start), 24*time.Hour, old))
	require.Len(t, losses(streamJobs, was, held(11, 20, 10, start), 24*time.Hour, young), 1)
	require.Len(t, losses(streamAudit, was, held(11, 20, 10, start), 0, old), 1, "evidence has no age")
	require.Empty(t, losses(streamDead, was, held(11, 20, 3, start), 0, young), "letters are dropped and redriven")
	require.Empty(t, losses(streamOf(bucketLedger), was, held(3, 25, 20, start), 24*time.Hour, young), "a key was written again")
}

func TestDamagedRecordIsSaid(t *testing.T) {
	t.Parallel()
	settings := filledStore(t)
	require.NoError(t, os.WriteFile(filepath.Join(settings.Dir, recordFile), []byte("garbage"), 0o600))
	var told bytes.Buffer
	settings.Logger = slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelError}))
	openWith(t, settings)
	require.Contains(t, told.String(), "the record of what the store held is damaged")
}

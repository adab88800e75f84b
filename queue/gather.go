package queue

import (
	"context"
	"errors"

	"sever/revocation"
)

// What waits in the log is handed out together, for the same reason as deliveries are packed
// together: its jobs then share a batch and the fsyncs of that. A lone pack waits for nobody.
const (
	gatherPacks = 16
	gatherBytes = 4 << 20 // judged by the first pack: another one may be as large as a pack gets
)

// gather adds to an entry, which holds one pack so far, some of the packs that wait behind it. One
// that cannot be read goes back and comes again alone, as does all that is handed out once more.
func (r *LogReader) gather(entry *revocation.LogEntry, first lease, waiting uint64) {
	room := gatherBytes/max(len(entry.Raw), 1) - 1
	most := min(room, gatherPacks-1, int(min(waiting, gatherPacks)))
	if most < 1 {
		return
	}
	batch, err := r.consumer.FetchNoWait(most)
	if err != nil {
		return // the next pull meets the same trouble, and tells of it
	}
	held := leases{first}
	for msg := range batch.Messages() { // which ends within a second of the last that came
		meta, err := msg.Metadata()
		if err != nil {
			continue // not a message of the log; pull would have failed with it
		}
		entry.Missing = errors.Join(entry.Missing, r.place.reach(meta.Sequence.Stream, meta.Timestamp))
		deliveries, err := unpack(msg.Data())
		if err != nil || meta.NumDelivered > 1 {
			_ = msg.Nak() // lost, it comes again when its lease is over
			continue
		}
		entry.Deliveries = append(entry.Deliveries, deliveries...)
		held = append(held, lease{msg})
	}
	entry.Lease = held
}

// leases are the holds on several messages of one consumer, which are worked on as one.
type leases []lease

var _ revocation.Lease = leases{}

func (l leases) Extend() error {
	var failed error
	for _, each := range l {
		failed = errors.Join(failed, each.Extend())
	}
	return failed
}

// Settle gives all of them the same verdict. JetStream takes acknowledgements in the order in which one
// connection sends them, so that the answer to the last one stands for all.
func (l leases) Settle(ctx context.Context, verdict revocation.Verdict) error {
	var failed error
	for i, each := range l {
		if verdict == (revocation.Verdict{}) && i < len(l)-1 {
			failed = errors.Join(failed, each.msg.Ack())
			continue
		}
		failed = errors.Join(failed, each.Settle(ctx, verdict))
	}
	return failed
}

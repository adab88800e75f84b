package okta

import (
	"context"
	"time"
)

// line is a queue of goroutines, first come, first served. Only the one in front looks at the budget; it is nudged when
// something changed, and nudges the next one as it leaves. The budget's lock guards it.
type line struct {
	places []*place
}

type place struct {
	nudge chan struct{} // holds one nudge, so that none is lost
}

func (l *line) join() *place {
	p := &place{nudge: make(chan struct{}, 1)}
	l.places = append(l.places, p)
	return p
}

func (l *line) first(p *place) bool { return l.places[0] == p }

func (l *line) leave(p *place) {
	for i, other := range l.places {
		if other == p {
			l.places = append(l.places[:i], l.places[i+1:]...)
			break
		}
	}
	l.nudge()
}

func (l *line) nudge() {
	if len(l.places) == 0 {
		return
	}
	select {
	case l.places[0].nudge <- struct{}{}:
	default:
	}
}

// wait stands in line until try says done. Try is called under the lock, by the one in front only, and says when it is worth
// calling again without a nudge; zero is never.
func (b *budget) wait(ctx context.Context, l *line, try func(now time.Time) (done bool, again time.Duration)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := l.join()
	defer l.leave(p)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var again time.Duration
		if l.first(p) {
			done, after := try(b.now())
			if done {
				return nil
			}
			again = after
		}
		b.mu.Unlock()
		p.sleep(ctx, again)
		b.mu.Lock()
	}
}

// sleep ends with a nudge, with the context, or after a time that is not zero.
func (p *place) sleep(ctx context.Context, d time.Duration) {
	var alarm <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-p.nudge:
	case <-alarm:
	case <-ctx.Done():
	}
}

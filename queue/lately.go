package queue

import "sync"

// latelyMost is how many ids lately remembers at least, and twice as many at most: some megabytes.
const latelyMost = 16 << 10

// lately remembers the newest ids. It is a guess of what JetStream will call a duplicate and decides
// nothing: JetStream's own window, of dedupWindow, does. The zero lately is empty.
type lately struct {
	mu         sync.Mutex
	newer, old map[string]struct{}
}

func (l *lately) has(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, newer := l.newer[id]
	_, old := l.old[id]
	return newer || old
}

func (l *lately) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.newer) >= latelyMost {
		l.old, l.newer = l.newer, nil
	}
	if l.newer == nil {
		l.newer = make(map[string]struct{})
	}
	l.newer[id] = struct{}{}
}

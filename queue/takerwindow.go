package queue

import "sever/revocation"

// window is what was read ahead of one lane. It gives the sources turns, so that one that
// sends much does not starve another of the same lane, and keeps the order within each.
// A source whose jobs all lie behind more than windowSize of another's is not seen yet.
type window struct {
	sources map[string][]revocation.Task
	turns   []string // sources that have a job here, the next one first
	size    int
}

// windowSize bounds how many jobs of a lane a process holds ready. Each job takes about
// a kilobyte and, while it waits, a message per heartbeat.
const windowSize = 256

func newWindow() *window { return &window{sources: make(map[string][]revocation.Task)} }

func (w *window) full() bool { return w.size >= windowSize }

func (w *window) push(task revocation.Task) {
	source := task.Job.Source
	if len(w.sources[source]) == 0 {
		w.turns = append(w.turns, source)
	}
	w.sources[source] = append(w.sources[source], task)
	w.size++
}

// pop must not be asked of an empty window.
func (w *window) pop() revocation.Task {
	source := w.turns[0]
	w.turns = w.turns[1:]
	waiting := w.sources[source]
	task := waiting[0]
	waiting[0] = revocation.Task{} // or the rest would keep it alive
	if len(waiting) > 1 {
		w.sources[source] = waiting[1:]
		w.turns = append(w.turns, source)
	} else {
		delete(w.sources, source)
	}
	w.size--
	return task
}

// each shows every waiting job.
func (w *window) each(visit func(revocation.Task)) {
	for _, waiting := range w.sources {
		for _, task := range waiting {
			visit(task)
		}
	}
}

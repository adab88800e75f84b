package app

// CloseQueue takes the store away under a running App, which is what a test of its
// failure needs.
func (a *App) CloseQueue() error { return a.queue.Close() }

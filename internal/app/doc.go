// Package app puts the stages together and runs them: configuration in, a running
// Sever out. It knows nothing of signals or flags, so that tests and the demo run
// the same thing as `sever serve`.
package app

//go:build race

package app_test

// roomForRace is how many times the memory of a connection the race detector takes.
const roomForRace = 4

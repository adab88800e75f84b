//go:build !race

package app_test

const roomForRace = 1

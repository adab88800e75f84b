//go:build !linux && !darwin

package main

import (
	"errors"

	"sever/internal/config"
)

func freeBytes(string) (config.Size, error) {
	return 0, errors.New("not known on this system")
}

//go:build linux || darwin

package main

import (
	"fmt"
	"math"
	"syscall"

	"sever/internal/config"
)

// freeBytes is what a user other than root can still write to the disk a folder is on.
func freeBytes(dir string) (config.Size, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, fmt.Errorf("ask for free space: %w", err)
	}
	free := float64(disk.Bavail) * float64(disk.Bsize)
	return config.Size(min(free, math.MaxInt64/2)), nil
}

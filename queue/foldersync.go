package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// syncFolders makes the names of all files below the store folder durable, and that of
// the folder itself. POSIX promises a new name only after an fsync of its folder, and
// nats-server does none for the folders of a new stream. What stays open: when a stream
// starts its next block file, nats-server fsyncs the file and not its folder, so that a
// file system that keeps no more than POSIX promises may lose that name.
func syncFolders(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nats-server tidied it away meanwhile
		}
		if err != nil || !entry.IsDir() {
			return err
		}
		return syncFolder(path)
	})
	if err != nil {
		return fmt.Errorf("make the names in the store folder durable: %w", err)
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("fsync folder %s: %w", path, err)
	}
	return nil
}

// makeFolders makes dir and its missing parents, each name durable in the folder above.
func makeFolders(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeFolders(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make store folder: %w", err)
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	return syncFolder(parent)
}

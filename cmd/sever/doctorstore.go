package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sever/internal/config"
	"sever/queue"
)

// leastFree is the free space below which a start is not worth trying.
const leastFree = 64 << 20

// queue checks where everything is kept: the store's folder, or NATS.
func (d *doctor) queue(ctx context.Context) {
	if d.cfg.NATS != nil {
		d.nats(ctx)
		return
	}
	if !d.roles.Receive || !d.roles.Dispatch || !d.roles.Work {
		d.fail("store", "roles that run in several processes cannot share the embedded store", "set nats.url, or run all roles in one process")
		return
	}
	d.store()
}

func (d *doctor) store() {
	const check = "store"
	dir := d.cfg.Store.Dir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.newStore(dir)
		return
	case err != nil:
		d.fail(check, fmt.Sprintf("%s cannot be looked at: %s", dir, cause(err)), "let this user reach the folder, or correct store.dir")
		return
	case !info.IsDir():
		d.fail(check, dir+" is not a folder", "correct store.dir")
		return
	}
	taken, err := queue.StoreTaken(dir)
	switch {
	case err != nil:
		d.fail(check, fmt.Sprintf("the lock in %s cannot be tried: %s", dir, cause(err)), "run doctor as the user that runs sever, and let that user own the folder")
	case taken && d.running:
		d.ok(check, fmt.Sprintf("%s is in use by a running sever; see its readiness above", dir))
	case taken:
		d.fail(check, dir+" is in use by another process", "stop the other sever, or give this one its own store.dir")
	default:
		d.writable(dir)
	}
	d.space(dir, dir)
}

// newStore looks at where the folder will be made.
func (d *doctor) newStore(dir string) {
	parent := filepath.Dir(filepath.Clean(dir))
	for {
		_, err := os.Stat(parent)
		if err == nil || !errors.Is(err, fs.ErrNotExist) || parent == filepath.Dir(parent) {
			break
		}
		parent = filepath.Dir(parent)
	}
	if d.writable(parent) {
		d.ok("store", dir+" does not exist yet; the first start makes it")
		d.space(dir, parent)
	}
}

// writable tries to write a file and reports only if that fails, but for a folder that is there.
func (d *doctor) writable(dir string) bool {
	file, err := os.CreateTemp(dir, ".sever-doctor-*")
	if err == nil {
		err = errors.Join(file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		d.fail("store", fmt.Sprintf("%s cannot be written to: %s", dir, cause(err)), "let the user that runs sever own store.dir, on a disk that is not full or read-only")
		return false
	}
	if dir == d.cfg.Store.Dir {
		d.ok("store", dir+" is writable")
	}
	return true
}

// space compares what is free with what the store may still grow by.
func (d *doctor) space(dir, on string) {
	const check = "store space"
	free, err := freeBytes(on)
	if err != nil {
		d.warn(check, fmt.Sprintf("free space of %s is not known: %s", on, cause(err)), "see that it is above store.max_size")
		return
	}
	most := d.cfg.Store.MaxSize
	grows := max(0, most-usedBytes(dir))
	switch {
	case free < leastFree:
		d.fail(check, fmt.Sprintf("%s has %s free", on, inMiB(free)), "make room: when the disk is full, senders get 503")
	case free < grows:
		d.warn(check, fmt.Sprintf("%s has %s free, but the store may grow by %s", on, inMiB(free), inMiB(grows)),
			"make room, or lower store.max_size: a full disk hits everything on it")
	default:
		d.ok(check, fmt.Sprintf("%s has %s free; the store may grow by %s", on, inMiB(free), inMiB(grows)))
	}
}

// usedBytes is about what the store takes on disk. Files may come and go meanwhile.
func usedBytes(dir string) config.Size {
	var used config.Size
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // what cannot be seen does not count
		}
		if info, err := entry.Info(); err == nil {
			used += config.Size(info.Size())
		}
		return nil
	})
	return used
}

func inMiB(size config.Size) string { return fmt.Sprintf("%d MiB", size>>20) }

// cause is an error of the file system without its path, which the message has already.
func cause(err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return failed.Err
	}
	return err
}

package powercut

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// mounted serves a disk for the length of a test.
func mounted(t *testing.T, disk *Disk) string {
	t.Helper()
	dir := t.TempDir()
	unmount, err := Mount(disk, dir)
	if errors.Is(err, ErrNotPermitted) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unmount()) })
	return dir
}

// folder is a mounted disk, as a program uses it.
type folder struct {
	t   *testing.T
	dir string
}

// write leaves a file with this content, fsynced or not.
func (f folder) write(name, content string, synced bool) {
	f.t.Helper()
	file, err := os.Create(f.dir + name)
	require.NoError(f.t, err)
	_, err = file.WriteString(content)
	require.NoError(f.t, err)
	if synced {
		require.NoError(f.t, file.Sync())
	}
	require.NoError(f.t, file.Close())
}

// writeWith writes to a file that is opened with these flags.
func (f folder) writeWith(flags int, name, content string) {
	f.t.Helper()
	file, err := os.OpenFile(f.dir+name, os.O_WRONLY|flags, 0o600)
	require.NoError(f.t, err)
	_, err = file.WriteString(content)
	require.NoError(f.t, err)
	require.NoError(f.t, file.Close())
}

// sync fsyncs a folder; "/" is the disk's root.
func (f folder) sync(name string) {
	f.t.Helper()
	dir, err := os.Open(f.dir + name)
	require.NoError(f.t, err)
	require.NoError(f.t, dir.Sync())
	require.NoError(f.t, dir.Close())
}

func (f folder) rename(from, to string) {
	f.t.Helper()
	require.NoError(f.t, os.Rename(f.dir+from, f.dir+to))
}

func (f folder) remove(name string) {
	f.t.Helper()
	require.NoError(f.t, os.Remove(f.dir+name))
}

// afterCut cuts the power and gives every file of the disk that is left, by path, read through a mount of its own.
func afterCut(t *testing.T, disk *Disk) map[string]string {
	t.Helper()
	left, _ := disk.Cut(nil)
	dir := mounted(t, left)
	files := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(content)
		return err
	}))
	return files
}

// What each promise keeps, of the same doings.
func TestOnlyWhatWasSyncedSurvives(t *testing.T) {
	t.Parallel()
	none := map[string]string{}
	cases := map[string]struct {
		do           func(on folder)
		ext4, strict map[string]string
	}{
		"nothing synced": {
			do:     func(on folder) { on.write("/a", "one", false) },
			ext4:   none,
			strict: none,
		},
		"a new file synced, its folder not": {
			do:     func(on folder) { on.write("/a", "one", true) },
			ext4:   map[string]string{"a": "one"},
			strict: none,
		},
		"both synced": {
			do: func(on folder) {
				on.write("/a", "one", true)
				on.sync("/")
			},
			ext4:   map[string]string{"a": "one"},
			strict: map[string]string{"a": "one"},
		},
		"only the folder synced": {
			do: func(on folder) {
				on.write("/a", "one", false)
				on.sync("/")
			},
			ext4:   map[string]string{"a": ""},
			strict: map[string]string{"a": ""},
		},
		"a later write not synced": {
			do: func(on folder) {
				on.write("/a", "one", true)
				on.sync("/")
				on.writeWith(os.O_APPEND, "/a", " two")
			},
			ext4:   map[string]string{"a": "one"},
			strict: map[string]string{"a": "one"},
		},
		"a write through O_SYNC": {
			do: func(on folder) {
				on.writeWith(os.O_CREATE|os.O_SYNC, "/a", "one")
				on.write("/b", "later", false)
			},
			ext4:   map[string]string{"a": "one"},
			strict: none,
		},
		"a write through O_DSYNC, its folder synced": {
			do: func(on folder) {
				on.writeWith(os.O_CREATE|syscall.O_DSYNC, "/a", "one")
				on.sync("/")
			},
			ext4:   map[string]string{"a": "one"},
			strict: map[string]string{"a": "one"},
		},
		"renamed over another, the folder not synced": {
			do: func(on folder) {
				on.write("/a", "old", true)
				on.write("/b", "new", true)
				on.sync("/")
				on.rename("/b", "/a")
			},
			ext4:   map[string]string{"a": "old", "b": "new"},
			strict: map[string]string{"a": "old", "b": "new"},
		},
		"renamed over another, another file synced": {
			do: func(on folder) {
				on.write("/a", "old", true)
				on.write("/b", "new", true)
				on.write("/c", "c", true)
				on.sync("/")
				on.rename("/b", "/a")
				on.write("/c", "C", true)
			},
			ext4:   map[string]string{"a": "new", "c": "C"},
			strict: map[string]string{"a": "old", "b": "new", "c": "C"},
		},
		"removed, the folder not synced": {
			do: func(on folder) {
				on.write("/a", "one", true)
				on.sync("/")
				on.remove("/a")
			},
			ext4:   map[string]string{"a": "one"},
			strict: map[string]string{"a": "one"},
		},
		"removed, the folder synced": {
			do: func(on folder) {
				on.write("/a", "one", true)
				on.remove("/a")
				on.sync("/")
			},
			ext4:   none,
			strict: none,
		},
		"shortened, not synced": {
			do: func(on folder) {
				on.write("/a", "one", true)
				on.sync("/")
				require.NoError(on.t, os.Truncate(on.dir+"/a", 1))
			},
			ext4:   map[string]string{"a": "one"},
			strict: map[string]string{"a": "one"},
		},
		"shortened, then made longer, synced": {
			do: func(on folder) {
				on.write("/a", "one", false)
				f, err := os.OpenFile(on.dir+"/a", os.O_RDWR, 0)
				require.NoError(on.t, err)
				require.NoError(on.t, f.Truncate(1))
				require.NoError(on.t, f.Truncate(3))
				require.NoError(on.t, f.Sync())
				require.NoError(on.t, f.Close())
				on.sync("/")
			},
			ext4:   map[string]string{"a": "o\x00\x00"},
			strict: map[string]string{"a": "o\x00\x00"},
		},
		"in a folder whose own name is not synced": {
			do: func(on folder) {
				require.NoError(on.t, os.MkdirAll(on.dir+"/sub", 0o700))
				on.write("/sub/a", "one", true)
				on.sync("/sub")
			},
			ext4:   map[string]string{"sub/a": "one"},
			strict: none,
		},
	}
	for name, c := range cases {
		for promise, want := range map[Promise]map[string]string{Ext4: c.ext4, Strict: c.strict} {
			t.Run(promise.String()+"/"+name, func(t *testing.T) {
				t.Parallel()
				disk := NewDisk(promise)
				c.do(folder{t, mounted(t, disk)})
				require.Equal(t, want, afterCut(t, disk))
			})
		}
	}
}

func TestProgramsSeeWhatWasWritten(t *testing.T) {
	t.Parallel()
	dir := mounted(t, NewDisk(Strict))
	big := bytes.Repeat([]byte("0123456789abcdef"), 50_000) // several requests long
	require.NoError(t, os.MkdirAll(dir+"/x/y", 0o700))
	require.NoError(t, os.WriteFile(dir+"/x/y/big", big, 0o600))
	require.ErrorIs(t, os.Remove(dir+"/x"), syscall.ENOTEMPTY)
	require.NoError(t, os.Rename(dir+"/x/y", dir+"/z"))

	read, err := os.ReadFile(dir + "/z/big")

	require.NoError(t, err)
	require.True(t, bytes.Equal(big, read))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.NoError(t, os.RemoveAll(dir+"/z"))
	_, err = os.Stat(dir + "/z/big")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAfterTheCutNothingWorks(t *testing.T) {
	t.Parallel()
	disk := NewDisk(Ext4)
	dir := mounted(t, disk)
	f, err := os.Create(dir + "/a")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) }) // before the unmount, which waits for it
	_, err = f.WriteString("one")
	require.NoError(t, err)

	_, dropped := disk.Cut(nil)

	require.Equal(t, Dropped{Writes: 1, Bytes: 3, Names: 1}, dropped)
	require.ErrorIs(t, f.Sync(), syscall.EIO)
	_, err = f.WriteString("two")
	require.ErrorIs(t, err, syscall.EIO)
	_, err = f.ReadAt(make([]byte, 3), 0)
	require.ErrorIs(t, err, syscall.EIO)
	_, err = os.Stat(dir + "/a")
	require.ErrorIs(t, err, syscall.EIO)
	require.ErrorIs(t, os.Mkdir(dir+"/b", 0o700), syscall.EIO)
}

// With luck some of what was not synced survives: never less than was synced, some writes whole, some torn at a sector.
func TestLuckKeepsSomeWrites(t *testing.T) {
	t.Parallel()
	const size, offset = 10_000, 100
	seen := make(map[string]bool)
	for seed := range uint64(200) {
		disk := NewDisk(Ext4)
		n := disk.newNode(syscall.S_IFREG | 0o600)
		disk.setNames(change{dir: disk.root, name: "a", node: n})
		n.edit(edit{data: bytes.Repeat([]byte("s"), offset)})
		disk.sync(n)
		n.edit(edit{offset: offset, data: bytes.Repeat([]byte("1"), size)})
		n.edit(edit{offset: offset + size, data: bytes.Repeat([]byte("2"), size)})

		left, _ := disk.Cut(rand.New(rand.NewPCG(seed, 0)))

		content := left.root.names["a"].data
		require.Equal(t, bytes.Repeat([]byte("s"), offset), content[:offset])
		ones, twos := bytes.Count(content, []byte("1")), bytes.Count(content, []byte("2"))
		require.Equal(t, len(content), offset+ones+twos+bytes.Count(content, []byte{0}))
		for name, count := range map[string]int{"first": ones, "second": twos} {
			if count == 0 || count == size {
				seen[name+map[int]string{0: " gone", size: " whole"}[count]] = true
				continue
			}
			require.Zero(t, len(content)%512, "torn at a sector")
			seen[name+" torn"] = true
		}
	}
	require.Len(t, seen, 6, "%v", seen)
}

// The journal of ext4 is cut at one point for all folders; a strict disk cuts each folder for itself.
func TestLuckKeepsTheFirstNames(t *testing.T) {
	t.Parallel()
	for promise, outOfOrder := range map[Promise]bool{Ext4: false, Strict: true} {
		counts, disorder := make(map[int]bool), false
		for seed := range uint64(200) {
			disk := NewDisk(promise)
			dirs := make([]*node, 2)
			for i, name := range []string{"x", "y"} {
				dirs[i] = disk.newNode(syscall.S_IFDIR | 0o700)
				disk.setNames(change{dir: disk.root, name: name, node: dirs[i]})
			}
			disk.sync(disk.root)
			for i, name := range []string{"a", "b", "c", "d"} {
				disk.setNames(change{dir: dirs[i/2], name: name, node: disk.newNode(syscall.S_IFREG)})
			}

			left, dropped := disk.Cut(rand.New(rand.NewPCG(seed, 0)))

			x, y := left.root.names["x"].names, left.root.names["y"].names
			require.Equal(t, 4, len(x)+len(y)+dropped.Names)
			require.False(t, x["b"] != nil && x["a"] == nil)
			require.False(t, y["d"] != nil && y["c"] == nil)
			counts[len(x)+len(y)] = true
			disorder = disorder || len(y) > 0 && len(x) < 2
		}
		require.Len(t, counts, 5, "from none to all")
		require.Equal(t, outOfOrder, disorder)
	}
}

package app_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"sever/queue"
	"sever/revocation"
)

// onDisk prepares a rig whose store folder is a file system of its own, or skips.
func onDisk(t *testing.T, mount func(t *testing.T, folder string)) *rig {
	t.Helper()
	r := prepareRig(t, newOkta(t), settings{store: "max_size: 1GiB"})
	folder := filepath.Join(r.dir, "store")
	require.NoError(t, os.Mkdir(folder, 0o700))
	mount(t, folder)
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(folder, syscall.MNT_DETACH)) })
	r.start()
	t.Cleanup(func() { _ = r.stop() }) // before the file system goes
	return r
}

// smallDisk is one of 48 MiB in memory.
func smallDisk(t *testing.T, folder string) {
	t.Helper()
	if err := syscall.Mount("sever-test", folder, "tmpfs", 0, "size=48m"); err != nil {
		t.Skip("needs the right to mount a tmpfs (root): ", err)
	}
}

// diskImage is the file that holds the file system of a folder.
func diskImage(folder string) string { return folder + ".image" }

// ext4Disk is one of 128 MiB in a file.
func ext4Disk(t *testing.T, folder string) {
	t.Helper()
	image := diskImage(folder)
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 128<<20))
	orSkip(t, "mkfs.ext4", "-q", "-F", image)
	orSkip(t, "mount", "-o", "loop", image, folder)
}

// orSkip runs a command that not every machine lets a test run.
func orSkip(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput(); err != nil {
		t.Skipf("needs mkfs.ext4 and the right to mount a loop device (root): %s: %v: %s", name, err, out)
	}
}

// remount repairs the disk, as an operator does.
func remount(t *testing.T, folder, image string) {
	t.Helper()
	require.NoError(t, syscall.Unmount(folder, 0))
	_ = exec.CommandContext(t.Context(), "e2fsck", "-p", image).Run() // it reports what it mended by its exit code
	orSkip(t, "mount", "-o", "loop", image, folder)
}

// fillUp leaves not one byte on the store's disk. giveBack makes room again.
func (r *rig) fillUp() (giveBack func()) {
	r.t.Helper()
	name := filepath.Join(r.dir, "store", "somebody-elses-file")
	file, err := os.Create(name)
	require.NoError(r.t, err)
	for size := 1 << 20; size > 0; {
		n, err := file.Write(make([]byte, size))
		if err == nil {
			continue
		}
		require.ErrorIs(r.t, err, syscall.ENOSPC)
		if n == 0 {
			size /= 2
		}
	}
	require.NoError(r.t, file.Close())
	return func() { require.NoError(r.t, os.Remove(name)) }
}

// awaitRefusal sends until the first 503. What was accepted until then counts.
func (r *rig) awaitRefusal(first int) (accepted []int) {
	r.t.Helper()
	for n := first; ; n++ {
		require.Less(r.t, n, first+2000, "nothing was refused")
		given, err := r.do(http.MethodPost, r.app.URL()+"/v1/hooks/okta", asOkta(hookSecret), suspension(person(n), "on a bad disk"))
		if err == nil && given.status == http.StatusNoContent {
			accepted = append(accepted, n)
			continue
		}
		if err == nil {
			requireAskedAgain(r.t, given)
		}
		return accepted
	}
}

// requireEverybodyRevoked checks, after a restart, that nobody who was accepted is missing.
func (r *rig) requireEverybodyRevoked(people []int) {
	r.t.Helper()
	everybody := func() bool {
		calls := callsFor(r.calls())
		for _, n := range people {
			if calls[person(n)] == 0 {
				return false
			}
		}
		return true
	}
	require.Eventually(r.t, everybody, soon, tick)
	for user, times := range callsFor(r.calls()) {
		require.LessOrEqual(r.t, times, 2, user) // one more where its record was lost to the disk
	}
}

// Somebody else fills the disk. Nothing is accepted then, readiness turns red, and with
// room again a restart brings everything back.
func TestAFullDiskIsAnsweredWith503AndLosesNothing(t *testing.T) {
	t.Parallel()
	r := onDisk(t, smallDisk)
	accepted := []int{0}
	r.deliver(suspension(person(0), "before"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)

	giveBack := r.fillUp()
	accepted = append(accepted, r.awaitRefusal(1)...)
	requireAskedAgain(t, r.post(suspension(person(9000), "too late")))
	require.Eventually(t, func() bool { return !r.ready() }, soon, tick)
	require.Equal(t, http.StatusOK, r.admin(http.MethodGet, "/livez", "").status)

	giveBack()
	r.awaitEnd()
	r.start()
	require.Eventually(t, r.ready, soon, tick)
	r.deliver(suspension(person(9000), "too late"))
	r.requireEverybodyRevoked(append(accepted, 9000))
}

// The kernel makes a disk read-only after an error of it.
func TestAReadOnlyDiskIsAnsweredWith503AndLosesNothing(t *testing.T) {
	t.Parallel()
	r := onDisk(t, ext4Disk)
	r.deliver(suspension(person(0), "before"))
	r.seen.await(t, audited(revocation.OutcomeRevoked), 1)
	folder := filepath.Join(r.dir, "store")
	orSkip(t, "mount", "-o", "remount,abort", folder)
	accepted := append([]int{0}, r.awaitRefusal(1)...)
	require.Eventually(t, func() bool { return !r.ready() }, soon, tick)
	require.Equal(t, http.StatusOK, r.admin(http.MethodGet, "/livez", "").status)
	requireAskedAgain(t, r.post(suspension(person(9000), "too late")))
	r.mustStop()
	remount(t, folder, diskImage(folder))
	r.start()
	require.Eventually(t, r.ready, soon, tick)
	r.deliver(suspension(person(9000), "too late"))
	r.requireEverybodyRevoked(append(accepted, 9000))
}

// The disk is full just when a job is to be stored, and has room again when the next
// delivery comes: what stopped is not what senders write to.
func TestAStreamStoppedByTheDiskIsNotPassedOver(t *testing.T) {
	t.Parallel()
	r := onDisk(t, smallDisk)
	giveBack := r.fillUp()
	n := 1000
	refused := func() bool {
		n++ // or it would be known already
		return r.admin(http.MethodPost, "/api/v1/revocations", order("okta_id", person(n), "by hand")).status >= http.StatusInternalServerError
	}
	require.Eventually(t, refused, soon, tick)
	giveBack()
	r.awaitEnd()

	r.start()
	require.Eventually(t, r.ready, soon, tick)
	r.deliver(suspension(person(2), "after"))
	r.requireEverybodyRevoked([]int{2})
}

// awaitEnd waits until Sever ends by itself because of its disk.
func (r *rig) awaitEnd() {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		_, err := r.do(http.MethodGet, r.app.AdminURL()+"/livez", http.Header{}, nil)
		return err != nil
	}, soon, tick)
	require.ErrorIs(r.t, r.stop(), queue.ErrFrozen)
	r.client.CloseIdleConnections()
}

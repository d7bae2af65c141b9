package guideboard

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// DownloadOptions are settings of [Client.Download]. The zero value is fit for use.
type DownloadOptions struct {
	// What the artifact is expected to be.
	ArtifactOptions
	// Replace a file of that name. Otherwise it is left alone, and the error is [fs.ErrExist].
	Overwrite bool
	// Wait until the file is on the disk.
	Sync bool
	// Progress is told how many of how many bytes have come, after each message.
	Progress func(done, total int64)
}

// A Downloaded is a file that was downloaded.
type Downloaded struct {
	// What the server told of the artifact. The bytes in the file are those of the digest.
	ArtifactInfo
	// How often the download was taken up again after a broken connection.
	Resumptions int
}

// Download saves one output of a run, by its path relative to the run, to a file. The bytes are written beside it, to FILE.part-…, and get the name once
// all of them are there and verified. Whatever fails, or is cancelled, leaves nothing behind.
//
// A broken connection is taken up again where it broke. When the artifact changes meanwhile the error is [ErrChanged], and one may begin anew; when its
// bytes are not those of the digest it is [ErrDigestMismatch].
func (c *Client) Download(ctx context.Context, run RunRef, path, file string, options DownloadOptions) (*Downloaded, error) {
	if !options.Overwrite {
		if _, err := os.Lstat(file); err == nil {
			return nil, &fs.PathError{Op: "download", Path: file, Err: fs.ErrExist}
		}
	}
	reader, err := c.OpenArtifact(ctx, run, path, options.ArtifactOptions)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if err := save(reader, file, options); err != nil {
		return nil, err
	}
	return &Downloaded{ArtifactInfo: reader.Info(), Resumptions: reader.Resumptions()}, nil
}

// save writes what is read to a file beside, and gives that the name when it is whole.
func save(reader *ArtifactReader, file string, options DownloadOptions) (err error) {
	partial, err := createPartial(file)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(partial.Name())
		}
	}()
	_, err = io.Copy(progress{partial, reader.Info().Size, new(int64), options.Progress}, reader)
	if err == nil && options.Sync {
		err = partial.Sync()
	}
	if closing := partial.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = place(partial.Name(), file, options.Overwrite)
	}
	return err
}

// The longest part of a name that FILE.part-… keeps: a name has at most 255 bytes.
const maxKeptName = 200

// createPartial makes a new file beside the one to be.
func createPartial(file string) (*os.File, error) {
	directory, name := filepath.Split(file)
	if len(name) > maxKeptName {
		name = name[:maxKeptName]
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	partial := fmt.Sprintf("%s%s.part-%s", directory, name, hex.EncodeToString(random))
	return os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// place gives a file its name.
func place(partial, file string, overwrite bool) error {
	if overwrite {
		return os.Rename(partial, file)
	}
	// A link, unlike a renaming, replaces nothing.
	err := os.Link(partial, file)
	if err == nil {
		return os.Remove(partial)
	}
	if _, missing := os.Lstat(file); missing == nil {
		return &fs.PathError{Op: "download", Path: file, Err: fs.ErrExist}
	}
	// A file system without hard links.
	return os.Rename(partial, file)
}

// progress tells how much was written.
type progress struct {
	io.Writer
	total int64
	done  *int64
	tell  func(done, total int64)
}

func (p progress) Write(bytes []byte) (int, error) {
	count, err := p.Writer.Write(bytes)
	*p.done += int64(count)
	if p.tell != nil {
		p.tell(*p.done, p.total)
	}
	return count, err
}

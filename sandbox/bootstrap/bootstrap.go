// Package bootstrap holds the programs that run handlers: Brume's own small runtimes for Python, Node.js, Java
// and Ruby, which take events from the Runtime API and call the function. They are written to a folder once and from there put
// into each environment, read-only, as /var/runtime.
package bootstrap

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed python nodejs java ruby
var files embed.FS

// Version is a short name of the content of all bootstraps.
func Version() string {
	h := sha256.New()
	_ = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := files.ReadFile(path) // embedded: cannot fail
			fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		}
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Install writes the bootstraps below dir and returns their folder, which has a subfolder for each language. A folder
// that is already there is from the same version and taken as it is.
func Install(dir string) (string, error) {
	final := filepath.Join(dir, "bootstrap-"+Version())
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("bootstrap: %w", err)
	}
	tmp, err := os.MkdirTemp(dir, "bootstrap-new-")
	if err != nil {
		return "", fmt.Errorf("bootstrap: %w", err)
	}
	if err := write(tmp); err != nil {
		return "", fmt.Errorf("bootstrap: %w", errors.Join(err, os.RemoveAll(tmp)))
	}
	if err := os.Rename(tmp, final); err != nil {
		_ = os.RemoveAll(tmp)
		if _, there := os.Stat(final); there != nil {
			return "", fmt.Errorf("bootstrap: %w", err)
		}
	}
	return final, nil
}

// Compile has a Python interpreter keep the compiled form of the runtime beside it, as environments see the folder
// read-only and would each compile it anew.
func Compile(ctx context.Context, dir, interpreter string) error {
	const program = `import py_compile, sys
py_compile.compile(sys.argv[1], doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)`
	cmd := exec.CommandContext(ctx, interpreter, "-I", "-c", program, filepath.Join(dir, "python", "brume_runtime.py"))
	cmd.Dir, cmd.Env = "/", []string{}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bootstrap: compile: %w: %s", err, out)
	}
	return nil
}

// sdkProgram compiles packages as if they lay below a folder: arguments are where to put the compiled files, that folder,
// and the packages. A file that does not compile is left out.
const sdkProgram = `import importlib.util, os, py_compile, sys
sys.pycache_prefix, seen, sources = sys.argv[1], sys.argv[2], sys.argv[3:]
def compile(path, name):
    py_compile.compile(path, cfile=importlib.util.cache_from_source(name), dfile=name, quiet=2,
                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
for source in sources:
    top = os.path.dirname(source)
    if source.endswith(".py"):
        compile(source, os.path.join(seen, os.path.basename(source)))
    for folder, _, files in os.walk(source):
        for f in files:
            if f.endswith(".py"):
                path = os.path.join(folder, f)
                compile(path, os.path.join(seen, os.path.relpath(path, top)))`

// CompileSDK has a Python interpreter compile packages that another version lends it, as they will lie below seen. It
// returns the folder with the result, in dir: to be given as PYTHONPYCACHEPREFIX. It takes seconds, once.
func CompileSDK(ctx context.Context, dir, interpreter, seen string, packages []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, interpreter, seen)
	for _, p := range packages {
		info, err := os.Stat(p)
		if err != nil {
			return "", fmt.Errorf("bootstrap: compile: %w", err)
		}
		fmt.Fprintln(h, p, info.ModTime().UnixNano())
	}
	final := filepath.Join(dir, "sdk-"+hex.EncodeToString(h.Sum(nil))[:12])
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	tmp, err := os.MkdirTemp(dir, "sdk-new-")
	if err != nil {
		return "", fmt.Errorf("bootstrap: compile: %w", err)
	}
	cmd := exec.CommandContext(ctx, interpreter, append([]string{"-I", "-c", sdkProgram, tmp, seen}, packages...)...)
	cmd.Dir, cmd.Env = "/", []string{}
	out, err := cmd.CombinedOutput()
	if err == nil {
		err = os.Chmod(tmp, 0o755)
	}
	if err == nil {
		err = os.Rename(tmp, final)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("bootstrap: compile: %w: %s", err, out), os.RemoveAll(tmp))
	}
	return final, nil
}

// CompileJava has a Java compile the runtime, once, and returns the folder with the classes, in dir.
func CompileJava(ctx context.Context, dir, sources, java string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, java, Version())
	final := filepath.Join(dir, "java-"+hex.EncodeToString(h.Sum(nil))[:12])
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	compiler := filepath.Join(filepath.Dir(java), "javac")
	if _, err := os.Stat(compiler); err != nil {
		return "", fmt.Errorf("bootstrap: %s is a Java without a compiler, which functions in Java need here: install the development kit (JDK)", java)
	}
	var files []string
	err := filepath.WalkDir(filepath.Join(sources, "java"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".java" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("bootstrap: compile: %w", err)
	}
	tmp, err := os.MkdirTemp(dir, "java-new-")
	if err != nil {
		return "", fmt.Errorf("bootstrap: compile: %w", err)
	}
	cmd := exec.CommandContext(ctx, compiler, append([]string{"-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-nowarn", "-proc:none", "-encoding", "UTF-8", "-d", tmp}, files...)...)
	cmd.Dir, cmd.Env = "/", []string{}
	out, err := cmd.CombinedOutput()
	if err == nil {
		err = os.Chmod(tmp, 0o755)
	}
	if err == nil {
		if err = os.Rename(tmp, final); errors.Is(err, fs.ErrExist) {
			return final, os.RemoveAll(tmp) // somebody else was faster
		}
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("bootstrap: compile: %w: %s", err, out), os.RemoveAll(tmp))
	}
	return final, nil
}

func write(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		b, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o644)
	})
}

package sandboxtest

import (
	"context"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// rb is a program of one file, app.rb, with the handler app.handler.
func rb(name, text string) program {
	return program{name: name, handler: "app.handler", files: map[string]string{"app.rb": text}}
}

func (b *bench) ruby(t *testing.T) {
	b.run(t, "ruby3.3", []program{
		rb("Echo", "def handler(event:, context:)\n  event\nend\n").on(`{"a":[1,"é",null]}`).gives(`{"a":[1,"é",null]}`),
		rb("Class", "module App\n  class H\n    def self.go(event:, context:)\n      context.function_name\n    end\n  end\nend\n").handled("app.App::H.go").gives(`"f"`),
		rb("Context", `
def handler(event:, context:)
  left = context.get_remaining_time_in_millis
  [left > 0 && left <= 300000, context.aws_request_id[0, 8], context.memory_limit_in_mb, context.identity['cognitoIdentityId'],
   context.client_context['custom'], ENV['_X_AMZN_TRACE_ID'].length > 10]
end
`).gives(`[true,"request-","256","i",{"k":"v"},true]`),
		rb("Raises", "def handler(event:, context:)\n  raise ArgumentError, 'bad'\nend\n").
			fails("Function<ArgumentError>", `"errorMessage":"bad"`, `app.rb:2:in`),
		rb("Print", "def handler(event:, context:)\n  puts 'one'\n  warn 'two'\nend\n").gives("null").prints("one\ntwo"),
		rb("NoMethod", "").breaks("Init<NameError>", "undefined method `handler' for handler app.handler"),
		rb("NoFile", "").handled("nosuch.handler").breaks("Init<LoadError>", "cannot load such file -- nosuch"),
		rb("Malformed", "").handled("app").breaks("Init<ArgumentError>", "Invalid handler app"),
	})
}

// class is a program of one class, App, in a package of its own.
func class(name, body string) program {
	pkg := strings.ToLower(name)
	return program{name: name, handler: pkg + ".App", files: map[string]string{pkg + "/App.java": "package " + pkg + ";\nimport com.amazonaws.services.lambda.runtime.*;\n" +
		"import java.io.*;\nimport java.util.*;\n" + body}}
}

func (b *bench) java(t *testing.T) {
	found, err := b.Runner.Runtime(context.Background(), "java17")
	if err != nil {
		t.Skip(err)
	}
	all := []program{
		class("Map", "public class App implements RequestHandler<Map<String,Object>, Object> { public Object handleRequest(Map<String,Object> e, Context c) { return e; } }").
			on(`{"a":[1,2.5,"é\n",null,true,12345678901234567890]}`).gives(`{"a":[1,2.5,"é\n",null,true,12345678901234567890]}`),
		class("Beans", `public class App implements RequestHandler<App.In, App.Out> {
  public static class In { private List<Item> items; public void setItems(List<Item> v) { items = v; } public Set<String> tags; }
  public static class Item { public String name; private int count; public void setCount(int v) { count = v; } }
  public static class Out { private final int sum; public final String names; Out(int s, String n) { sum = s; names = n; } public int getSum() { return sum; } public boolean isBig() { return sum > 5; } }
  public Out handleRequest(In in, Context c) { int s = 0; StringBuilder n = new StringBuilder(); for (Item i : in.items) { s += i.count; n.append(i.name); } return new Out(s, n + in.tags.toString()); } }`).
			on(`{"items":[{"name":"a","count":2},{"name":"b","count":4,"unknown":1}],"tags":["x","x"]}`).gives(`{"sum":6,"names":"ab[x]","big":true}`),
		class("Stream", "public class App implements RequestStreamHandler { public void handleRequest(InputStream in, OutputStream out, Context c) throws IOException { int b; out.write('['); while ((b = in.read()) >= 0) out.write(b); out.write(']'); } }").
			on(`{"a":1}`).gives(`[{"a":1}]`),
		class("Method", "public class App { public String greet(String name, Context c) { return name + c.getFunctionName() + c.getMemoryLimitInMB() + c.getAwsRequestId().substring(0, 8) + c.getIdentity().getIdentityId() + c.getClientContext().getCustom(); } }").
			handled("method.App::greet").on(`"x"`).gives(`"xf256request-i{k=v}"`),
		class("Static_", "public class App { public static int twice(int n) { return 2 * n; } }").handled("static_.App::twice").on("21").gives("42"),
		class("Logs", "public class App implements RequestHandler<Object,String> { public String handleRequest(Object e, Context c) { c.getLogger().log(\"one\\ntwo\\n\"); System.out.println(\"three\"); return null; } }").
			gives("null").prints("one\rtwo\nthree"),
		class("Raises", "public class App implements RequestHandler<Object,String> { public String handleRequest(Object e, Context c) { throw new IllegalStateException(\"bad\", new RuntimeException(\"why\")); } }").
			fails("java.lang.IllegalStateException", `"errorMessage":"bad"`, `"errorType":"java.lang.IllegalStateException"`, `"stackTrace":["raises.App.handleRequest(App.java:5)"`, `"cause":{"errorMessage":"why"`),
		class("NoClass", "public class App {}").handled("no.Such").breaks("java.lang.ClassNotFoundException", "Class not found: no.Such"),
		class("NoMethod", "public class App {}").handled("nomethod.App::nosuch").breaks("java.lang.NoSuchMethodException"),
		class("NoInterface", "public class App {}").breaks("java.lang.ClassCastException", "does not implement an appropriate handler interface"),
	}
	sources := map[string]string{}
	for _, p := range all {
		maps.Copy(sources, p.files)
	}
	dir := write(t, sources)
	args := []string{"-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-nowarn", "-implicit:none", "-proc:none", "-sourcepath", filepath.Join(b.Source, "../../bootstrap/java"), "-d", dir}
	for file := range sources {
		args = append(args, filepath.Join(dir, file))
	}
	if out, err := exec.Command(filepath.Join(filepath.Dir(found.Program), "javac"), args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i := range all {
		all[i].code = dir
	}
	b.run(t, "java17", all)
}

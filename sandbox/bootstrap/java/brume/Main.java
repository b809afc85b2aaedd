package brume;

import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The Lambda runtime for Java: takes events from the Runtime API, calls the handler, gives its answer back. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        Api api = new Api(System.getenv("AWS_LAMBDA_RUNTIME_API"));
        try {
            Handler handler;
            try {
                ClassLoader loader = loader();
                Thread.currentThread().setContextClassLoader(loader);
                handler = Handler.load(String.valueOf(System.getenv("_HANDLER")), loader);
            } catch (Throwable e) {
                report(api, "init/error", e);
                System.exit(1);
                return;
            }
            serve(api, handler);
        } catch (IOException e) {
            // The Runtime API is not there any more.
        }
        Runtime.getRuntime().halt(1);
    }

    private static void serve(Api api, Handler handler) throws IOException {
        for (;;) {
            Api.Reply event = api.next();
            String id = event.headers.get("lambda-runtime-aws-request-id");
            String trace = event.headers.get("lambda-runtime-trace-id");
            if (trace != null) {
                System.setProperty("com.amazonaws.xray.traceHeader", trace);
            } else {
                System.clearProperty("com.amazonaws.xray.traceHeader");
            }
            byte[] answer;
            try {
                answer = handler.call(event.body, new Invocation(event.headers));
            } catch (Throwable e) {
                report(api, "invocation/" + id + "/error", e);
                if (e instanceof VirtualMachineError) {
                    Runtime.getRuntime().halt(1); // as after a lack of memory nothing can be relied on
                }
                continue;
            }
            api.answer(id, answer);
        }
    }

    /** The function's own classes: its folder, its lib folder, and those of its layers. */
    private static ClassLoader loader() throws MalformedURLException {
        String root = System.getenv("LAMBDA_TASK_ROOT");
        List<URL> urls = new ArrayList<>();
        urls.add(new File(root + "/").toURI().toURL());
        String layers = System.getenv("_BRUME_JAVA_LIB");
        for (String dir : (root + "/lib:" + (layers == null ? "/opt/java/lib" : layers)).split(":")) {
            File[] jars = new File(dir).listFiles((d, name) -> name.endsWith(".jar"));
            if (jars == null) {
                continue;
            }
            Arrays.sort(jars);
            for (File jar : jars) {
                urls.add(jar.toURI().toURL());
            }
        }
        return new URLClassLoader(urls.toArray(new URL[0]), Main.class.getClassLoader());
    }

    private static void report(Api api, String path, Throwable e) throws IOException {
        String type = e instanceof Handler.Missing ? ((Handler.Missing) e).type : e.getClass().getName();
        Map<String, Object> doc = document(e, type, 0);
        StringBuilder text = new StringBuilder();
        try {
            Mapper.write(doc, text, 0);
        } catch (ReflectiveOperationException impossible) {
            throw new IllegalStateException(impossible); // texts and lists
        }
        StringWriter trace = new StringWriter();
        if (e instanceof Handler.Missing) {
            trace.write(e.getMessage() + ": " + type);
        } else {
            trace.write(e.getMessage() + ": " + type + "\n");
            e.printStackTrace(new PrintWriter(trace));
        }
        LambdaRuntime.getLogger().log(trace.toString());
        api.error(path, type, text.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static Map<String, Object> document(Throwable e, String type, int depth) {
        Map<String, Object> doc = new LinkedHashMap<>();
        doc.put("errorMessage", e.getMessage());
        doc.put("errorType", type);
        if (!(e instanceof Handler.Missing)) {
            List<String> stack = new ArrayList<>();
            for (StackTraceElement f : e.getStackTrace()) {
                if (f.getClassName().startsWith("brume.") || f.getClassName().contains("jdk.internal.reflect") || f.getClassName().equals("java.lang.reflect.Method")) {
                    break;
                }
                stack.add(f.toString());
            }
            doc.put("stackTrace", stack);
        }
        if (e.getCause() != null && e.getCause() != e && depth < 20) {
            doc.put("cause", document(e.getCause(), e.getCause().getClass().getName(), depth + 1));
        }
        return doc;
    }
}

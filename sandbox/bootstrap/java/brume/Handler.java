package brume;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.charset.StandardCharsets;

/**
 * The function that a handler string names, "package.Class::method" or "package.Class".
 * https://docs.aws.amazon.com/lambda/latest/dg/java-handler.html
 */
final class Handler {
    /** A handler that cannot be had. */
    static final class Missing extends Exception {
        private static final long serialVersionUID = 1L;

        final String type;

        Missing(String type, String message) {
            super(message);
            this.type = type;
        }
    }

    private final Object object;
    private final Method method; // null: object is a RequestStreamHandler
    private final Type input; // of a RequestHandler, null otherwise

    private Handler(Object object, Method method, Type input) {
        this.object = object;
        this.method = method;
        this.input = input;
    }

    static Handler load(String name, ClassLoader loader) throws Throwable {
        String[] parts = name.split("::", 2);
        Class<?> c;
        try {
            c = Class.forName(parts[0], true, loader);
        } catch (ClassNotFoundException e) {
            throw new Missing("java.lang.ClassNotFoundException", "Class not found: " + parts[0]);
        }
        String wanted = parts.length > 1 ? parts[1] : "handleRequest";
        boolean own = wanted.equals("handleRequest");
        if (own && RequestStreamHandler.class.isAssignableFrom(c)) {
            return new Handler(create(c), null, null);
        }
        if (own && RequestHandler.class.isAssignableFrom(c)) {
            Type in = argument(c, RequestHandler.class, 0);
            return new Handler(create(c), RequestHandler.class.getMethods()[0], in == null ? Object.class : in);
        }
        if (parts.length < 2) {
            throw new Missing("java.lang.ClassCastException",
                    "Class " + c.getName() + " does not implement an appropriate handler interface");
        }
        Method best = null; // the one with the most parameters
        for (Method m : c.getMethods()) {
            if (m.getName().equals(wanted) && !m.isBridge() && (best == null || m.getParameterCount() > best.getParameterCount())) {
                best = m;
            }
        }
        if (best == null) {
            throw new Missing("java.lang.NoSuchMethodException", "No public method named " + wanted + " with appropriate method signature found on class class " + c.getName());
        }
        best.setAccessible(true);
        return new Handler(Modifier.isStatic(best.getModifiers()) ? null : create(c), best, null);
    }

    private static Object create(Class<?> c) throws Throwable {
        try {
            return c.getConstructor().newInstance();
        } catch (NoSuchMethodException e) {
            throw new Missing("java.lang.NoSuchMethodException", "Class " + c.getName() + " has no public zero-argument constructor");
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** The n-th type argument with which c implements a generic interface; null when it is not known. */
    private static Type argument(Type type, Class<?> wanted, int n) {
        Class<?> c = Mapper.raw(type);
        if (c == wanted) {
            return type instanceof ParameterizedType ? ((ParameterizedType) type).getActualTypeArguments()[n] : null;
        }
        java.util.List<Type> above = new java.util.ArrayList<>(java.util.Arrays.asList(c.getGenericInterfaces()));
        if (c.getGenericSuperclass() != null) {
            above.add(c.getGenericSuperclass());
        }
        for (Type t : above) {
            if (!wanted.isAssignableFrom(Mapper.raw(t))) {
                continue;
            }
            Type found = argument(t, wanted, n);
            if (found instanceof TypeVariable && type instanceof ParameterizedType) {
                TypeVariable<?>[] names = c.getTypeParameters();
                for (int i = 0; i < names.length; i++) {
                    if (names[i].equals(found)) {
                        return ((ParameterizedType) type).getActualTypeArguments()[i];
                    }
                }
            }
            return found;
        }
        return null;
    }

    byte[] call(byte[] event, Context context) throws Throwable {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (method == null) {
            ((RequestStreamHandler) object).handleRequest(new ByteArrayInputStream(event), out, context);
            return out.toByteArray();
        }
        Type[] types = input != null ? new Type[] {input, Context.class} : method.getGenericParameterTypes();
        Object[] args = new Object[types.length];
        boolean stream = false;
        for (int i = 0; i < types.length; i++) {
            Class<?> c = Mapper.raw(types[i]);
            if (c == Context.class) {
                args[i] = context;
            } else if (c == InputStream.class) {
                args[i] = new ByteArrayInputStream(event);
            } else if (c == OutputStream.class) {
                args[i] = out;
                stream = true;
            } else {
                args[i] = Mapper.to(Json.parse(new String(event, StandardCharsets.UTF_8)), types[i]);
            }
        }
        Object result;
        try {
            result = method.invoke(object, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
        if (stream) {
            return out.toByteArray();
        }
        StringBuilder text = new StringBuilder();
        Mapper.write(result, text, 0);
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }
}

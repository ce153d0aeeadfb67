package javax.annotation;

/** The annotation of generated code, which Java's standard library no longer contains. */
public @interface Generated {
    String value();

    String comments() default "";
}
